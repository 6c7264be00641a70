// Manifests of trusted documents, as build tools write them, and what makes two documents the same.
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type ASTNode,
  type DocumentNode,
  type FieldNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
  print,
  visit,
} from 'graphql';
import { z } from 'zod';
import { CodedError } from '#schema/contracts/errors';

const MAX_DOCUMENTS = 50_000;
/** Between two turns of the event loop: parsing this many takes a few milliseconds. */
const DOCUMENTS_A_TURN = 25;

const id = z.string().min(1).max(256);
const text = z.string().min(1);
const PlainMap = z.record(id, text);
const ApolloManifest = z.looseObject({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(z.looseObject({ id, body: text })),
});

/** All trusted documents of one moment. */
export interface DocumentIndex {
  /** By the id of the manifest, or by the hex SHA-256 of the text. */
  find(documentId: string): string | undefined;
  /**
   * Is this text one of them? {@link toDocumentKey} says what counts as the same.
   *
   * @param maxTokens - longer ones are none
   */
  has(text: string, maxTokens: number): boolean;
  /** Of ids, each text's SHA-256 not counted. */
  size: number;
}

/**
 * Two texts have the same key when they ask for the same. White space and comments do not count, nor does the order of fields,
 * arguments, variables and definitions (build tools sort them), nor plain `__typename` fields (client libraries add them).
 * The order of a mutation's own fields does count: they run in it.
 *
 * @throws GraphQLError when it is no GraphQL or has more than `maxTokens`
 */
export function toDocumentKey(text: string, maxTokens?: number): string {
  const document = parse(text, { noLocation: true, ...(maxTokens === undefined ? {} : { maxTokens }) });
  const named: DocumentNode = visit(document, { Field: (field) => (isPlainTypename(field) ? null : undefined) });
  return sha256(print(hidesMutationFields(named) ? named : sort(named)));
}

function isPlainTypename({ name, alias, directives = [] }: FieldNode): boolean {
  return name.value === '__typename' && alias === undefined && directives.length === 0;
}

/** Are there fields of a mutation in fragments? Which ones is not to be seen without a schema. */
function hidesMutationFields({ definitions }: DocumentNode): boolean {
  return definitions.some(
    (definition) => isMutation(definition) && definition.selectionSet.selections.some(({ kind }) => kind !== Kind.FIELD),
  );
}

function sort(document: DocumentNode): DocumentNode {
  return visit(document, {
    // Each level when those below are sorted.
    SelectionSet: {
      leave: (node, _, parent) => (isMutation(parent) ? undefined : { ...node, selections: sorted(node.selections) }),
    },
    Field: { leave: (node) => ({ ...node, arguments: sorted(node.arguments ?? []) }) },
    Directive: { leave: (node) => ({ ...node, arguments: sorted(node.arguments ?? []) }) },
    OperationDefinition: { leave: (node) => ({ ...node, variableDefinitions: sorted(node.variableDefinitions ?? []) }) },
    Document: { leave: (node) => ({ ...node, definitions: sorted(node.definitions) }) },
  });
}

function isMutation(node: unknown): node is OperationDefinitionNode {
  const { kind, operation } = (node ?? {}) as Partial<OperationDefinitionNode>;
  return kind === Kind.OPERATION_DEFINITION && operation === OperationTypeNode.MUTATION;
}

function sorted<Node extends ASTNode>(nodes: readonly Node[]): Node[] {
  const keyed = nodes.map((node) => ({ node, key: print(node) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ node }) => node);
}

/**
 * @param manifests - by the name that complaints use; each a map from id to document (Relay, graphql-codegen) or Apollo's
 *   `apollo-persisted-query-manifest`
 * @throws CONFIG_INVALID that names manifest and document
 */
export async function createDocumentIndex(manifests: ReadonlyMap<string, string>): Promise<DocumentIndex> {
  const byId = new Map<string, string>();
  const byDigest = new Map<string, string>();
  const keys = new Set<string>();
  for (const [name, content] of manifests) {
    for (const [id, text] of parseManifest(name, content)) {
      if ((byId.get(id) ?? text) !== text) throw invalid(name, `the id ${id} stands for another document in another manifest`);
      if (byId.size >= MAX_DOCUMENTS) throw invalid(name, `expected at most ${MAX_DOCUMENTS} documents in all`);
      byId.set(id, text);
      byDigest.set(sha256(text), text);
      try {
        keys.add(toDocumentKey(text));
      } catch (cause) {
        throw invalid(name, `the document ${id} is not GraphQL`, cause);
      }
      if (byId.size % DOCUMENTS_A_TURN === 0) await nextTurn();
    }
  }
  return {
    find: (documentId) => byId.get(documentId) ?? byDigest.get(documentId.replace(/^sha256:/, '')),
    has(text, maxTokens) {
      if (byDigest.has(sha256(text))) return true;
      try {
        return keys.has(toDocumentKey(text, maxTokens));
      } catch (error) {
        if (error instanceof GraphQLError) return false;
        throw error;
      }
    },
    size: byId.size,
  };
}

function parseManifest(name: string, content: string): [string, string][] {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (cause) {
    throw invalid(name, 'expected JSON', cause);
  }
  const apollo = ApolloManifest.safeParse(json);
  if (apollo.success) return apollo.data.operations.map(({ id, body }) => [id, body]);
  const plain = PlainMap.safeParse(json);
  if (plain.success) return Object.entries(plain.data);
  throw invalid(name, 'expected {"<id>": "<document>"} or an apollo-persisted-query-manifest of version 1');
}

function invalid(name: string, what: string, cause?: unknown): CodedError {
  return new CodedError('CONFIG_INVALID', `trusted documents in ${name}: ${what}`, { cause });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
