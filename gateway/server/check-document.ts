// Parsing and validation for the socket, by the rules that Apollo Server applies to HTTP.
import { type DocumentNode, GraphQLError, type GraphQLSchema, parse, specifiedRules, validate } from 'graphql';
import { DOCUMENT_LIMITS, documentLimitsRule, MAX_VALIDATION_ERRORS } from './document-rules.js';

const MAX_DOCUMENTS = 1_000;
const RULES = [...specifiedRules, documentLimitsRule];

export interface DocumentChecker {
  /** Errors have the codes GRAPHQL_PARSE_FAILED and GRAPHQL_VALIDATION_FAILED. Valid documents are kept, the same object each time. */
  check(schema: GraphQLSchema, text: string): { document: DocumentNode } | { errors: readonly GraphQLError[] };
  /** Is a document that was valid on one schema valid on this one too? */
  fits(schema: GraphQLSchema, document: DocumentNode): boolean;
}

export function createDocumentChecker(): DocumentChecker {
  const bySchema = new WeakMap<GraphQLSchema, Map<string, DocumentNode>>();
  return {
    check(schema, text) {
      const known = bySchema.get(schema) ?? new Map<string, DocumentNode>();
      bySchema.set(schema, known);
      const found = known.get(text);
      if (found !== undefined) return { document: found };
      let document: DocumentNode;
      try {
        document = parse(text, { maxTokens: DOCUMENT_LIMITS.tokens });
      } catch (error) {
        if (error instanceof GraphQLError) return { errors: [withCode(error, 'GRAPHQL_PARSE_FAILED')] };
        throw error;
      }
      const errors = validate(schema, document, RULES, { maxErrors: MAX_VALIDATION_ERRORS });
      if (errors.length > 0) return { errors: errors.map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED')) };
      if (known.size >= MAX_DOCUMENTS) known.delete(known.keys().next().value as string);
      known.set(text, document);
      return { document };
    },
    fits: (schema, document) => validate(schema, document, RULES, { maxErrors: 1 }).length === 0,
  };
}

function withCode({ message, nodes, source, positions }: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(message, { nodes: nodes ?? null, source: source ?? null, positions: positions ?? null, extensions: { code } });
}
