// Random valid operations over a schema: variables with and without defaults, aliases that collide with fields, named fragments,
// conditions, introspection, mutations.
import fc, { type Arbitrary, type GeneratorValue } from 'fast-check';
import {
  getNamedType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  parse,
  validate,
} from 'graphql';
import type { Json, JsonObject } from '#schema/contracts/json';

export interface RandomOperation {
  document: string;
  variables: JsonObject;
}

export interface RandomOperationOptions {
  /** Values that arguments of this name get now and then, so that something is found. */
  known: Record<string, readonly Json[]>;
}

const MAX_DEPTH = 5;
/** Below the gateway's limits on documents. */
const MAX_FIELDS = 25;
const MAX_ALIASES = 20;
const MAX_DIRECTIVES = 12;
const MAX_FRAGMENTS = 4;
const MAX_TRIES = 20;

export function randomOperations(schema: GraphQLSchema, options: RandomOperationOptions): Arbitrary<RandomOperation> {
  return fc.gen().map((g) => {
    // Overlapping selections may contradict each other: what is not valid is made anew.
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const made = buildOperation(g, schema, options);
      if (validate(schema, parse(made.document)).length === 0) return made;
    }
    return { document: '{ __typename }', variables: {} };
  });
}

function buildOperation(g: GeneratorValue, schema: GraphQLSchema, { known }: RandomOperationOptions): RandomOperation {
  const definitions: string[] = [];
  const variables: JsonObject = {};
  const fragments: { type: string; name: string; text: string }[] = [];
  const names = Object.values(schema.getTypeMap()).flatMap((type) => (isObjectType(type) ? Object.keys(type.getFields()) : []));
  const left = { fields: MAX_FIELDS, aliases: MAX_ALIASES, directives: MAX_DIRECTIVES, fragments: MAX_FRAGMENTS };
  const oneIn = (n: number): boolean => g(fc.nat, { max: n - 1 }) === 0;
  const pick = <T>(values: readonly T[]): T => values[g(fc.nat, { max: values.length - 1 })] as T;

  function selectionSet(type: GraphQLNamedType, depth: number): string {
    // Without the name of the type a set may be empty, as far as its conditions leave anything.
    const parts = oneIn(4) ? [] : ['__typename'];
    const fields = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
    const reachable = fields.filter((field) => depth > 0 || !isCompositeType(getNamedType(field.type)));
    const wanted = reachable.length === 0 ? 0 : 1 + g(fc.nat, { max: 4 });
    for (let n = 0; n < wanted && left.fields > 0; n++) parts.push(select(pick(reachable), depth));
    if (isAbstractType(type) && depth > 0) {
      const possible = [...schema.getPossibleTypes(type), ...abstractTypesMeeting(type)];
      const branches = 1 + g(fc.nat, { max: 2 });
      for (let n = 0; n < branches && left.fields > 0; n++) parts.push(fragment(pick(possible), depth - 1));
    } else if (isCompositeType(type) && oneIn(6) && left.fields > 0) {
      parts.push(fragment(type, depth));
    }
    return `{ ${parts.length === 0 ? '__typename' : parts.join(' ')} }`;
  }

  function abstractTypesMeeting(type: GraphQLNamedType): GraphQLNamedType[] {
    return Object.values(schema.getTypeMap()).filter(
      (other) => isInterfaceType(other) && other !== type && isAbstractType(type) && overlap(schema, other, type),
    );
  }

  function fragment(type: GraphQLNamedType, depth: number): string {
    const usable = fragments.filter((candidate) => candidate.type === type.name);
    if (usable.length > 0 && oneIn(3)) return `...${pick(usable).name}`;
    const text = selectionSet(type, depth);
    if (left.fragments === 0 || oneIn(2)) return `... on ${type.name} ${text}`;
    left.fragments--;
    const name = `F${fragments.length}`;
    fragments.push({ type: type.name, name, text });
    return `...${name}`;
  }

  function select(field: GraphQLField<unknown, unknown>, depth: number): string {
    left.fields--;
    const named = getNamedType(field.type);
    let alias = '';
    if (left.aliases > 0 && oneIn(4)) {
      left.aliases--;
      alias = `${oneIn(3) ? pick(names) : `a${g(fc.nat, { max: 30 })}_${field.name}`}: `;
    }
    const set = isCompositeType(named) ? selectionSet(named, depth - 1) : '';
    return `${alias}${field.name}${argumentsOf(field.args)}${condition()} ${set}`;
  }

  function condition(): string {
    if (left.directives === 0 || !oneIn(6)) return '';
    left.directives--;
    const directive = pick(['include', 'skip']);
    if (oneIn(8)) return ` @${directive}(if: ${directive === 'include'})`;
    const name = pick(['yes', 'no', 'maybe']);
    if (!definitions.some((definition) => definition.startsWith(`$${name}:`))) {
      // One of them is given, one has a default, one is given in place of its default.
      definitions.push(`$${name}: Boolean!${name === 'yes' ? '' : ` = ${String(oneIn(2))}`}`);
      if (name !== 'no') variables[name] = oneIn(2);
    }
    return ` @${directive}(if: $${name})`;
  }

  function argumentsOf(args: readonly GraphQLArgument[]): string {
    const given = args.flatMap((argument) => {
      const mustStand = isNonNullType(argument.type) && argument.defaultValue === undefined;
      if (!mustStand && oneIn(2)) return [];
      return [`${argument.name}: ${oneIn(2) ? variable(argument) : toLiteral(valueOf(argument.type, argument.name), argument.type)}`];
    });
    return given.length === 0 ? '' : `(${given.join(', ')})`;
  }

  function variable({ type, name }: GraphQLArgument): string {
    const id = `v${definitions.length}`;
    const hasDefault = oneIn(3);
    definitions.push(`$${id}: ${String(type)}${hasDefault ? ` = ${toLiteral(valueOf(type, name), type)}` : ''}`);
    if (isNonNullType(type) ? !hasDefault || oneIn(2) : !oneIn(3)) variables[id] = valueOf(type, name);
    return `$${id}`;
  }

  function valueOf(type: GraphQLInputType, name: string): Json {
    if (isNonNullType(type)) {
      const value = valueOf(type.ofType, name);
      return value ?? valueOf(type, name);
    }
    if (oneIn(8)) return null;
    if (isListType(type)) return Array.from({ length: g(fc.nat, { max: 2 }) }, () => valueOf(type.ofType, name));
    if (isEnumType(type)) return pick(type.getValues()).name;
    if (isInputObjectType(type)) {
      const entries = Object.values(type.getFields()).flatMap((field): [string, Json][] =>
        oneIn(2) && (!isNonNullType(field.type) || field.defaultValue !== undefined) ? [] : [[field.name, valueOf(field.type, field.name)]],
      );
      return Object.fromEntries(entries);
    }
    const values = known[name];
    if (values !== undefined) return pick(values);
    switch (getNamedType(type).name) {
      case 'Int':
        return g(fc.nat, { max: 5 });
      case 'Boolean':
        return oneIn(2);
      default:
        return pick(['', 'a"b', 'é\n', 'x']);
    }
  }

  const isMutation = schema.getMutationType() != null && oneIn(8);
  const root = (isMutation ? schema.getMutationType() : schema.getQueryType()) as GraphQLNamedType;
  const set = selectionSet(root, MAX_DEPTH);
  const introspection =
    !isMutation && oneIn(10) ? ` __schema { queryType { name } } meta: __type(name: "${pick(['Book', 'None'])}") { name kind }` : '';
  const head = `${isMutation ? 'mutation' : 'query'} Random${definitions.length === 0 ? '' : `(${definitions.join(', ')})`}`;
  const unused = fragments.map(({ name, type, text }) => `fragment ${name} on ${type} ${text}`);
  return { document: [`${head} { ${set.slice(2, -2)}${introspection} }`, ...unused].join('\n'), variables };
}

function overlap(schema: GraphQLSchema, a: GraphQLNamedType, b: GraphQLNamedType): boolean {
  if (!isAbstractType(a) || !isAbstractType(b)) return false;
  const types = schema.getPossibleTypes(b);
  return schema.getPossibleTypes(a).some((type) => types.includes(type));
}

function toLiteral(value: Json, type: GraphQLInputType): string {
  if (isNonNullType(type)) return toLiteral(value, type.ofType);
  if (value === null) return 'null';
  if (isListType(type))
    return Array.isArray(value) ? `[${value.map((each) => toLiteral(each, type.ofType)).join(', ')}]` : toLiteral(value, type.ofType);
  if (isInputObjectType(type)) {
    const fields = type.getFields();
    return `{ ${Object.entries(value as JsonObject)
      .map(([key, each]) => `${key}: ${toLiteral(each, (fields[key] as GraphQLArgument).type)}`)
      .join(', ')} }`;
  }
  return isEnumType(type) ? (value as string) : JSON.stringify(value);
}
