// The other side of the invariant: one schema that resolves what the services resolve together. graphql-js executes it; nothing of
// gateway/ has a part in it.
import { buildSchema, execute, type GraphQLSchema, parse } from 'graphql';
import { expect } from 'vitest';
import type { JsonObject } from '#schema/contracts/json';
import type { RunAnswer, RunOptions, World } from './federated-world.js';

export interface OneSchema {
  schema: GraphQLSchema;
  /** Data as text, since the order of fields counts; error paths sorted. */
  ask(document: string, variables?: JsonObject): Promise<{ data: string; paths: string[] }>;
}

/** @param rootValue - of queries and mutations; made anew for each operation, so that mutations leave nothing behind */
export function createOneSchema(sdl: string, rootValue: () => object): OneSchema {
  const schema = buildSchema(sdl);
  return {
    schema,
    async ask(document, variables = {}) {
      const { data, errors } = await execute({ schema, document: parse(document), rootValue: rootValue(), variableValues: variables });
      return { data: JSON.stringify(data ?? null), paths: toPaths(errors) };
    },
  };
}

/** Runs an operation over the services and compares data, their order, and the places of errors. */
export async function expectSameAnswer(
  world: World,
  one: OneSchema,
  document: string,
  variables: JsonObject = {},
  options: RunOptions = {},
): Promise<RunAnswer> {
  const answer = await world.run(document, variables, options);
  const { data, errors } = answer.response;
  // Messages say why, when it is not the same.
  expect({ data: JSON.stringify(data ?? null), paths: toPaths(errors), said: errors?.map(({ message }) => message) }).toEqual({
    ...(await one.ask(document, variables)),
    said: errors?.map(({ message }) => message),
  });
  return answer;
}

function toPaths(errors: readonly { path?: readonly (string | number)[] | undefined }[] = []): string[] {
  return errors.map(({ path = [] }) => path.join('.')).sort();
}
