// Every field of our services says in its SDL who may select it, and asks for that whichever way a caller comes to it. Generated: each
// field × each field that leads to its type (roots, answers of mutations, nodes of lists, members of unions, events, entities) × scopes.
import { readFileSync } from 'node:fs';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { ROUTER_SUPPORTED_SUPERGRAPH_FEATURES, Supergraph } from '@apollo/federation-internals';
import {
  type DefinitionNode,
  execute,
  type FieldDefinitionNode,
  getNamedType,
  type GraphQLError,
  getOperationAST,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
  Kind,
  parse,
  subscribe,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { createAccessCheck } from '#gateway/server/check-access';
import { readAccessRules } from '#gateway/supergraph/access-rules';
import { withGatewayDirectives } from '#gateway/supergraph/gateway-directives';
import { errorCodeOf } from '#schema/contracts/errors';
import { type AuthContext, SCOPES } from '#schema/contracts/identity';
import { guardFields } from '#subgraphs/shared/guard-fields';

const SERVICES = ['tenants', 'files', 'plugins', 'operations'];
const ROOTS = ['Query', 'Mutation', 'Subscription'];
/** Fields that any authenticated caller may select. */
const OPEN = [
  ...['Query.viewer', 'Viewer.id', 'Viewer.scopes', 'Viewer.tenant', 'Tenant.id', 'Tenant.name', 'Member.id'],
  ...['File.id', 'Folder.id', 'Plugin.id', 'Plugin.name', 'PluginVersion.id', 'PluginInstallation.id', 'Operation.id'],
  ...['hasNextPage', 'hasPreviousPage', 'startCursor', 'endCursor'].map((field) => `PageInfo.${field}`),
];

const read = (path: string): string => readFileSync(new URL(`../schema/${path}`, import.meta.url), 'utf8');
const documents = new Map(SERVICES.map((service) => [service, parse(read(`subgraphs/${service}.graphql`))]));

interface Statement {
  coordinate: string;
  says: readonly { name: { value: string } }[];
}
const statements: Statement[] = [...documents.values()].flatMap(({ definitions }) =>
  definitions.flatMap((type) =>
    type.kind === Kind.OBJECT_TYPE_DEFINITION
      ? (type.fields ?? []).map((field) => ({
          coordinate: `${type.name.value}.${field.name.value}`,
          says: [...(type.directives ?? []), ...(field.directives ?? [])].filter(({ name }) =>
            /^(authenticated|requiresScopes)$/.test(name.value),
          ),
        }))
      : [],
  ),
);

it('every field of our services says who may select it, or its type does', () => {
  expect(statements.filter(({ says }) => says.length === 0).map(({ coordinate }) => coordinate)).toEqual([]);
});

/** What the SDL of these services says of a field, of its type and of the type it returns; own reading, so that it is compared. */
function readNeeded(services: readonly string[]): (type: string, field: string) => Set<string> {
  const scopesOf = (node: { directives?: readonly unknown[] } | undefined): string[] =>
    ((node?.directives ?? []) as FieldDefinitionNode['directives'] & object)
      .filter(({ name }) => name.value === 'requiresScopes')
      .flatMap((directive) =>
        [...JSON.stringify(directive).matchAll(/"StringValue","value":"([a-z:]+)"/g)].map(([, scope]) => scope as string),
      );
  const all = services.flatMap((service) => documents.get(service)?.definitions ?? []);
  const typesOf = (name: string) =>
    all.filter((d: DefinitionNode) => d.kind === Kind.OBJECT_TYPE_DEFINITION && d.name.value === name) as Extract<
      DefinitionNode,
      { kind: Kind.OBJECT_TYPE_DEFINITION }
    >[];
  return (typeName, fieldName) => {
    const types = typesOf(typeName);
    const fields = types.flatMap(({ fields: of = [] }) => of.filter(({ name }) => name.value === fieldName));
    const returned = fields.flatMap(({ type }) =>
      typesOf(
        /[A-Z]\w+/.exec(
          JSON.stringify(type)
            .replace(/"kind":"\w+"/g, '')
            .match(/"value":"(\w+)"/)?.[1] ?? '',
        )?.[0] ?? '',
      ),
    );
    return new Set([...types, ...fields, ...returned].flatMap(scopesOf));
  };
}

interface Way {
  coordinate: string;
  /** Of root fields and of those that lead on to the field. */
  path: readonly { type: string; field: string }[];
  document: string;
}

/** Each field by each field that leads to its type: behind that, by the shortest way from a root. */
function findWays(schema: GraphQLSchema): Way[] {
  interface Step {
    type: GraphQLNamedType;
    field: GraphQLField<unknown, unknown>;
    text: string;
  }
  const shortest = new Map<string, Step[]>();
  const edges = new Map<string, Step[][]>();
  const queue: { type: GraphQLNamedType; path: Step[] }[] = ROOTS.flatMap((name) => {
    const type = schema.getType(name);
    return type === undefined ? [] : [{ type, path: [] }];
  });
  for (const { type, path } of queue) {
    if (shortest.has(type.name)) continue;
    shortest.set(type.name, path);
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const target = getNamedType(field.type);
      if (!isCompositeType(target)) continue;
      for (const object of isAbstractType(target) ? schema.getPossibleTypes(target) : [target]) {
        const way = [...path, { type, field, text: callOf(field, object) }];
        edges.set(object.name, [...(edges.get(object.name) ?? []), way]);
        queue.push({ type: object, path: way });
      }
    }
  }
  return Object.values(schema.getTypeMap()).flatMap((type) => {
    if (!isObjectType(type) || type.name.startsWith('_')) return [];
    const ways = ROOTS.includes(type.name) ? [[]] : (edges.get(type.name) ?? []);
    return Object.values(type.getFields()).flatMap((field) =>
      field.name.startsWith('_')
        ? []
        : ways.map((way) => {
            const all = [...way, { type, field, text: callOf(field) }];
            const kind = ROOTS.includes(all[0]?.type.name ?? '') ? (all[0] as Step).type.name.toLowerCase() : 'query';
            // Each step's selection is put between braces, on its object type.
            const body = all.reduceRight(
              (inner, { text, type: on }) => `... on ${on.name} { ${text}${inner === '' ? '' : ` { ${inner} }`} }`,
              isCompositeType(getNamedType(field.type)) ? '__typename' : '',
            );
            return {
              coordinate: `${type.name}.${field.name}`,
              path: all.map((step) => ({ type: step.type.name, field: step.field.name })),
              document: `${kind} { ${body} }`,
            };
          }),
    );
  });
}

function callOf(field: GraphQLField<unknown, unknown>, on?: GraphQLNamedType): string {
  if (field.name === '_entities') return `_entities(representations: [{ __typename: "${on?.name ?? ''}", id: "x" }])`;
  const given = field.args.filter(isRequiredArgument).map(({ name, type }) => `${name}: ${literalOf(type)}`);
  return given.length === 0 ? field.name : `${field.name}(${given.join()})`;
}

function literalOf(type: GraphQLInputType): string {
  if (isNonNullType(type)) return literalOf(type.ofType);
  if (isListType(type)) return '[]';
  if (isEnumType(type)) return type.getValues()[0]?.name ?? '';
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter(isRequiredInputField);
    return `{ ${fields.map((field) => `${field.name}: ${literalOf(field.type)}`).join()} }`;
  }
  return type.name === 'Int' || type.name === 'ByteSize' ? '1' : '"x"';
}

/** For each way: may it be gone with no scope, with all but one that is needed, and with just those that are? */
function trials(ways: readonly Way[], needed: ReturnType<typeof readNeeded>): { way: Way; scopes: string[]; isAllowed: boolean }[] {
  return ways.flatMap((way) => {
    const right = [...new Set(way.path.flatMap(({ type, field }) => [...needed(type, field)]))];
    const refused = right.flatMap((scope) => [SCOPES.filter((other) => other !== scope), right.filter((other) => other !== scope)]);
    return [
      { way, scopes: right, isAllowed: true },
      ...(right.length === 0 ? [] : [[], ...refused]).map((scopes) => ({ way, scopes: [...scopes], isAllowed: false })),
    ];
  });
}
const authOf = (scopes: readonly string[]): AuthContext =>
  ({ principal: 'usr_1', tenant: 'ten_1', scopes, fingerprint: 'f' }) as unknown as AuthContext;

describe('at the gateway, over the composed supergraph', () => {
  const text = withGatewayDirectives(read('supergraph.graphql'));
  const schema = Supergraph.build(text, { supportedFeatures: ROUTER_SUPPORTED_SUPERGRAPH_FEATURES }).apiSchema().toGraphQLJSSchema();
  const rules = readAccessRules(parse(text));
  const access = createAccessCheck({ mode: 'reject', rulesOf: () => rules });
  const ways = findWays(schema);

  it('every field is reached, and only those that are meant to be open need no scope of their own', () => {
    const needed = readNeeded(SERVICES);
    const coordinates = [...new Set(ways.map(({ coordinate }) => coordinate))];
    expect(coordinates.sort()).toEqual([...new Set(statements.map(({ coordinate }) => coordinate))].sort());
    const open = coordinates.filter((coordinate) => needed(...(coordinate.split('.') as [string, string])).size === 0);
    expect(open.sort()).toEqual([...OPEN].sort());
  });

  it('every field asks for its scopes on every way to it', () => {
    const all = trials(ways, readNeeded(SERVICES));
    expect(all.length).toBeGreaterThan(2_000);
    const wrong = all.filter(({ way, scopes, isAllowed }) => {
      const document = parse(way.document);
      const operation = getOperationAST(document);
      if (operation == null) throw new Error(way.document);
      return 'errors' in access.check({ schema, document, operation, auth: authOf(scopes) }, {}) === isAllowed;
    });
    expect(wrong.map(({ way, scopes }) => `${way.document} with ${scopes.join(' ')}`)).toEqual([]);
  });
});

describe.each(SERVICES)('at the service %s, entities included', (service) => {
  const schema = buildSubgraphSchema([{ typeDefs: documents.get(service)!, resolvers: {} }]);
  fillIn(schema);
  guardFields(schema);

  it('every field asks for its scopes on every way to it', async () => {
    const wrong: string[] = [];
    // The type that a field returns is asked by its own fields.
    const needed = readNeeded([service]);
    for (const { way, scopes, isAllowed } of trials(findWays(schema), needed)) {
      const args = { schema, document: parse(way.document), contextValue: { auth: authOf(scopes) } };
      const answer = way.document.startsWith('subscription') ? await subscribe(args) : await execute(args);
      const errors =
        'errors' in answer ? (answer.errors ?? []) : Symbol.asyncIterator in answer ? ((await answer.next()).value?.errors ?? []) : [];
      const isRefused = errors.some(({ originalError }: GraphQLError) => errorCodeOf(originalError) === 'FORBIDDEN');
      if (isRefused === isAllowed || (isAllowed && errors.length > 0))
        wrong.push(`${way.document} with ${scopes.join(' ')}: ${errors.join()}`);
    }
    expect(wrong).toEqual([]);
  });
});

/** Answers for everything: what is reached depends on the document alone. */
function fillIn(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (isUnionType(type)) type.resolveType = ({ on }: { on: string }) => on;
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      field.resolve =
        field.name === '_entities'
          ? (_, args: { representations: { __typename: string }[] }) => args.representations.map((one) => ({ on: one.__typename }))
          : (_, __, ___, info) => valueOf(info.returnType, schema, info.fieldNodes[0]);
      if (type.name === 'Subscription')
        field.subscribe = async function* () {
          yield await Promise.resolve({});
        };
    }
  }
}

function valueOf(type: unknown, schema: GraphQLSchema, node: unknown): unknown {
  if (isNonNullType(type)) return valueOf(type.ofType, schema, node);
  if (isListType(type)) return [valueOf(type.ofType, schema, node)];
  if (isEnumType(type)) return type.getValues()[0]?.value;
  // The object type that the document asks for below.
  if (isCompositeType(type))
    return { on: /"typeCondition":\{.*?"value":"(\w+)"/.exec(JSON.stringify(node))?.[1] ?? possible(type as GraphQLNamedType, schema) };
  return (type as GraphQLNamedType).name === 'Boolean' ? true : 1;
}

function possible(type: GraphQLNamedType, schema: GraphQLSchema): string | undefined {
  return isAbstractType(type) ? schema.getPossibleTypes(type)[0]?.name : undefined;
}
