// @vitest-environment node
import { readFileSync } from 'node:fs';
import { ROUTER_SUPPORTED_SUPERGRAPH_FEATURES, Supergraph, operationFromDocument } from '@apollo/federation-internals';
import { type PlanNode, QueryPlanner, type SubscriptionNode } from '@apollo/query-planner';
import { type DocumentNode, parse } from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import * as clientDocuments from '../../client/documents.js';
import * as listDocuments from '../../client/list-documents.js';
import * as generated from '../src/generated/graphql.js';

const documents: Record<string, DocumentNode> = Object.fromEntries(
  Object.entries({ ...clientDocuments, ...listDocuments }).map(([name, text]) => [name, parse(text)]),
);
for (const [name, value] of Object.entries(generated)) if (name.endsWith('Document') && 'definitions' in value) documents[name] = value;

function servicesOf(node: PlanNode | SubscriptionNode | undefined): string[] {
  switch (node?.kind) {
    case undefined:
      return [];
    case 'Fetch':
      return [node.serviceName];
    case 'Sequence':
    case 'Parallel':
      return node.nodes.flatMap(servicesOf);
    case 'Flatten':
      return servicesOf(node.node);
    case 'Condition':
      return [...servicesOf(node.ifClause), ...servicesOf(node.elseClause)];
    case 'Subscription':
      return [...servicesOf(node.primary), ...servicesOf(node.rest)];
    case 'Defer':
      return servicesOf(node.primary.node);
  }
}

describe('every document of console and client', () => {
  let supergraph: Supergraph;
  let planner: QueryPlanner;
  beforeAll(() => {
    supergraph = Supergraph.build(readFileSync(new URL('../../../schema/supergraph.graphql', import.meta.url), 'utf8'), {
      supportedFeatures: ROUTER_SUPPORTED_SUPERGRAPH_FEATURES,
    });
    planner = new QueryPlanner(supergraph);
  });

  it.each(Object.entries(documents))('%s fits the schema and asks one service: looking at a page starts no durable run', (_, document) => {
    const operation = operationFromDocument(supergraph.apiSchema(), document);
    expect([...new Set(servicesOf(planner.buildQueryPlan(operation).node))]).toHaveLength(1);
  });
});
