// Parsing and validation for the socket, by the rules that Apollo Server applies to HTTP.
import { type DocumentNode, GraphQLError, type GraphQLSchema, parse, specifiedRules, validate } from 'graphql';
import { createDocumentRules, describeLimit, type DocumentLimits, limitFactsOf, MAX_VALIDATION_ERRORS } from './document-rules.js';

const MAX_DOCUMENTS = 1_000;

export interface DocumentChecker {
  /** Errors have the codes GRAPHQL_PARSE_FAILED and GRAPHQL_VALIDATION_FAILED. Valid documents are kept, the same object each time. */
  check(schema: GraphQLSchema, text: string): { document: DocumentNode } | { errors: readonly GraphQLError[] };
  /** Is a document that was valid on one schema valid on this one too? */
  fits(schema: GraphQLSchema, document: DocumentNode): boolean;
}

export function createDocumentChecker(limits: DocumentLimits): DocumentChecker {
  const rules = [...specifiedRules, ...createDocumentRules(limits)];
  const bySchema = new WeakMap<GraphQLSchema, Map<string, DocumentNode>>();
  return {
    check(schema, text) {
      const known = bySchema.get(schema) ?? new Map<string, DocumentNode>();
      bySchema.set(schema, known);
      const found = known.get(text);
      if (found !== undefined) return { document: found };
      let document: DocumentNode;
      try {
        document = parse(text, { maxTokens: limits.tokens });
      } catch (error) {
        if (error instanceof GraphQLError) return { errors: [withCode(error, 'GRAPHQL_PARSE_FAILED')] };
        throw error;
      }
      const errors = validate(schema, document, rules, { maxErrors: MAX_VALIDATION_ERRORS });
      if (errors.length > 0) return { errors: errors.map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED')) };
      if (known.size >= MAX_DOCUMENTS) known.delete(known.keys().next().value as string);
      known.set(text, document);
      return { document };
    },
    fits: (schema, document) => validate(schema, document, rules, { maxErrors: 1 }).length === 0,
  };
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  const { nodes, source, positions } = error;
  const facts = limitFactsOf(error);
  return new GraphQLError(facts === undefined ? error.message : describeLimit(facts), {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    extensions: { ...facts, code },
  });
}
