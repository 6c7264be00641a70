// Characters that stores, protocols and parsers stumble over, in every text of every root field of a service.
import {
  type DocumentNode,
  getNamedType,
  type GraphQLInputType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';
import { buildSubgraphSchema } from '@apollo/subgraph';
import type { Caller, ServiceCaller } from './service-caller.js';

const CONTROLS = Array.from({ length: 33 }, (_, code) => String.fromCharCode(code === 32 ? 127 : code));
const HALVES = ['\ud800', '\udbff', '\udc00', '\udfff', '\udc00\ud800'];
export const ODD_TEXTS = [...CONTROLS, ...HALVES].flatMap((odd) => [odd, `a${odd}b`]);

interface Trial {
  coordinate: string;
  /** With one alias for each odd text, in the order of {@link ODD_TEXTS}. */
  query: string;
  variables: Record<string, unknown>;
}

/** One call for each argument, and each field of an input, that is a text. */
export function oddTextTrials(typeDefs: DocumentNode): Trial[] {
  const schema = buildSubgraphSchema([{ typeDefs }]);
  return [schema.getQueryType(), schema.getMutationType()].flatMap((root) =>
    Object.values(root?.getFields() ?? {}).flatMap((field) => {
      if (field.name.startsWith('_')) return [];
      return field.args.flatMap((argument) =>
        textsIn(argument.type).map((path): Trial => {
          const others = Object.fromEntries(
            field.args.filter((other) => other === argument || isRequiredArgument(other)).map(({ name, type }) => [name, valueOf(type)]),
          );
          const used = field.args.filter(({ name }) => name in others);
          const variables = Object.fromEntries(
            ODD_TEXTS.flatMap((odd, index) =>
              used.map(({ name }) => [`${name}${index}`, name === argument.name ? put(others[name], path, odd) : others[name]]),
            ),
          );
          const definitions = ODD_TEXTS.flatMap((_, index) => used.map(({ name, type }) => `$${name}${index}: ${String(type)}`));
          const isLeaf = !('getFields' in getNamedType(field.type)) && !('getTypes' in getNamedType(field.type));
          const calls = ODD_TEXTS.map(
            (_, index) =>
              `a${index}: ${field.name}(${used.map(({ name }) => `${name}: $${name}${index}`).join()})${isLeaf ? '' : ' { __typename }'}`,
          );
          const kind = root === schema.getMutationType() ? 'mutation' : 'query';
          return {
            coordinate: [`${root?.name}.${field.name}`, argument.name, ...path].join('.'),
            query: `${kind} (${definitions.join()}) { ${calls.join(' ')} }`,
            variables,
          };
        }),
      );
    }),
  );
}

/** @returns codes that say a fault of ours, with where they stood */
export async function faultsOfOddTexts(service: ServiceCaller, user: Caller, typeDefs: DocumentNode): Promise<string[]> {
  const faults: string[] = [];
  for (const { coordinate, query, variables } of oddTextTrials(typeDefs)) {
    for (const headers of [{}, { 'idempotency-key': coordinate }]) {
      const response = await service.send(user, query, variables, headers);
      const { errors = [] } = (await response.json()) as { errors?: { message: string; path?: unknown[]; extensions: { code: string } }[] };
      const wrong = errors.filter(({ extensions }) => ['INTERNAL_SERVER_ERROR', undefined].includes(extensions?.code));
      if (response.status >= 500) faults.push(`${coordinate}: ${response.status}`);
      faults.push(...wrong.map(({ path, message }) => `${coordinate} with ${JSON.stringify(textOf(path))}: ${message}`));
    }
  }
  return faults;
}

function textOf(path: unknown[] | undefined): string | undefined {
  return ODD_TEXTS[Number(String(path?.[0]).slice(1))];
}

function textsIn(type: GraphQLInputType): string[][] {
  const named = getNamedType(type);
  if (isInputObjectType(named))
    return Object.values(named.getFields()).flatMap((field) => textsIn(field.type).map((path) => [field.name, ...path]));
  // Scalars of ours refuse what is not theirs before any resolver.
  return ['String', 'ID'].includes(named.name) && !isListType(isNonNullType(type) ? type.ofType : type) ? [[]] : [];
}

function valueOf(type: GraphQLInputType): unknown {
  if (isNonNullType(type)) return valueOf(type.ofType);
  if (isListType(type)) return [];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type))
    return Object.fromEntries(
      Object.values(type.getFields())
        .filter(isRequiredInputField)
        .map((field) => [field.name, valueOf(field.type)]),
    );
  const values: Record<string, unknown> = { Int: 1, ByteSize: 1, Boolean: true, Base64: 'YQ==', Upload: `upl_${'0'.repeat(36)}` };
  return values[type.name] ?? 'text/plain';
}

function put(into: unknown, [first, ...rest]: readonly string[], value: string): unknown {
  if (first === undefined) return value;
  const object = (into ?? {}) as Record<string, unknown>;
  return { ...object, [first]: put(object[first], rest, value) };
}
