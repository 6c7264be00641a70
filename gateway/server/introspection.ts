// Introspection fields are cut out of plans; graphql-js answers them on the API schema and the answers are put in their places.
import {
  type DocumentNode,
  execute,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Json, JsonObject } from '#schema/contracts/json';
import type { GraphQLResponse, ObjectShape } from '#schema/contracts/plan';
import { toErrorJson } from './error-masking.js';

export interface IntrospectionInput {
  schema: GraphQLSchema;
  document: DocumentNode;
  operation: OperationDefinitionNode;
  /** Coerced. */
  variables: JsonObject;
}

/** @returns the introspection fields' answers by response key, or null when the operation has none */
export async function introspect({ schema, document, operation, variables }: IntrospectionInput): Promise<GraphQLResponse | null> {
  const fragments = new Map(
    document.definitions.flatMap((d): [string, FragmentDefinitionNode][] =>
      d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [],
    ),
  );
  const selectionSet = keepIntrospection(operation.selectionSet, fragments);
  if (selectionSet.selections.length === 0) return null;
  const others = document.definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
  const { data, errors } = await execute({
    schema,
    document: { ...document, definitions: [{ ...operation, selectionSet }, ...others] },
    variableValues: variables,
  });
  return {
    data: (data ?? null) as JsonObject | null,
    ...(errors === undefined ? {} : { errors: errors.map(({ message }) => toErrorJson('BAD_USER_INPUT', message)) }),
  };
}

function keepIntrospection(set: SelectionSetNode, fragments: ReadonlyMap<string, FragmentDefinitionNode>): SelectionSetNode {
  return {
    ...set,
    selections: set.selections.flatMap((selection): SelectionNode[] => {
      if (selection.kind === Kind.FIELD) return selection.name.value === '__schema' || selection.name.value === '__type' ? [selection] : [];
      const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
      if (inner === undefined) return [];
      const selectionSet = keepIntrospection(inner.selectionSet, fragments);
      // A spread may carry @skip or @include: it becomes an inline fragment with the same directives.
      return selectionSet.selections.length === 0
        ? []
        : [{ kind: Kind.INLINE_FRAGMENT, directives: selection.directives ?? [], selectionSet }];
    }),
  };
}

/** Puts both answers together in the order of the query. */
export function mergeIntrospection(shape: ObjectShape, response: GraphQLResponse, introspected: GraphQLResponse): GraphQLResponse {
  const errors = [...(response.errors ?? []), ...(introspected.errors ?? [])];
  const data: Record<string, Json> = {};
  for (const { responseKey, introspection } of shape.fields) {
    const from = introspection === true ? introspected.data : response.data;
    if (from !== null && Object.hasOwn(from, responseKey)) data[responseKey] = from[responseKey] as Json;
  }
  return { data: response.data === null ? null : data, ...(errors.length === 0 ? {} : { errors }) };
}
