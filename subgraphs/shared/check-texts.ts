// Texts that PostgreSQL cannot hold: it refuses NUL, and half a surrogate pair would be stored as another character. Arguments that have
// one are refused here, for all fields of a service alike.
import {
  defaultFieldResolver,
  type GraphQLFieldResolver,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { CodedError } from '#schema/contracts/errors';

// With the flag `u` a whole pair is one character, so that only halves match.
// eslint-disable-next-line no-control-regex -- NUL is what is looked for
const UNSTORABLE = /[\u0000\p{Surrogate}]/u;
/** Its value is the caller's own and goes on as it is; no service of ours stores it as text. */
const FREE = 'JSON';

/** Changes the fields of `schema`: those with arguments throw BAD_USER_INPUT for a text that cannot be stored. */
export function checkTexts(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      if (field.args.length === 0 || field.name === '_entities') continue;
      const check =
        (resolve: GraphQLFieldResolver<unknown, unknown>): GraphQLFieldResolver<unknown, unknown> =>
        (parent, args: Record<string, unknown>, context, info) => {
          for (const { name, type: given } of field.args) assertStorable(name, given, args[name]);
          return resolve(parent, args, context, info);
        };
      field.resolve = check(field.resolve ?? defaultFieldResolver);
      if (field.subscribe !== undefined) field.subscribe = check(field.subscribe);
    }
  }
}

function assertStorable(path: string, type: GraphQLInputType, value: unknown): void {
  if (value == null) return;
  if (isNonNullType(type)) return assertStorable(path, type.ofType, value);
  if (isListType(type)) {
    for (const item of Array.isArray(value) ? value : [value]) assertStorable(path, type.ofType, item);
    return;
  }
  if (isInputObjectType(type)) {
    for (const field of Object.values(type.getFields()))
      assertStorable(`${path}.${field.name}`, field.type, (value as Record<string, unknown>)[field.name]);
    return;
  }
  if (type.name !== FREE && typeof value === 'string' && UNSTORABLE.test(value))
    throw new CodedError('BAD_USER_INPUT', `${path}: expected text without NUL and without halves of surrogate pairs`);
}
