// What `@requiresScopes` says in the SDL of a service is checked here, at the field itself: whichever way a call comes to it, by a root
// field, an entity or the answer of a mutation. The gateway refuses such documents before they are planned; this is the service's own word.
import {
  type ConstDirectiveNode,
  type ConstValueNode,
  defaultFieldResolver,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  isObjectType,
  Kind,
} from 'graphql';
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';

/** Met by whoever has all scopes of one inner list. */
type Need = readonly (readonly string[])[];
type Resolver = GraphQLFieldResolver<unknown, { auth: AuthContext }>;

/** Changes the fields of `schema`: those with needs throw FORBIDDEN for a caller who does not meet them. */
export function guardFields(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    const ofType = [type.astNode, ...type.extensionASTNodes].flatMap((node) => readNeeds(node?.directives));
    for (const field of Object.values(type.getFields())) {
      const needs = [...ofType, ...readNeeds(field.astNode?.directives)];
      if (needs.length === 0) continue;
      const guard = createGuard(`${type.name}.${field.name}`, needs);
      field.resolve = guard(field.resolve ?? defaultFieldResolver);
      if (field.subscribe !== undefined) field.subscribe = guard(field.subscribe);
    }
  }
}

function createGuard(coordinate: string, needs: readonly Need[]): (resolve: Resolver) => Resolver {
  // The scopes of one call are one array, and the field may be resolved for each of many rows.
  const allowed = new WeakSet<readonly string[]>();
  return (resolve) => (parent, args, context, info) => {
    const { scopes } = context.auth;
    if (!allowed.has(scopes)) {
      const missing = needs.find((need) => !need.some((all) => all.every((scope) => scopes.includes(scope))));
      if (missing !== undefined)
        throw new CodedError('FORBIDDEN', `${coordinate}: expected the scopes ${missing.map((all) => all.join(' and ')).join(', or ')}`);
      allowed.add(scopes);
    }
    return resolve(parent, args, context, info);
  };
}

function readNeeds(directives: readonly ConstDirectiveNode[] = []): Need[] {
  return directives.flatMap(({ name, arguments: given = [] }) => {
    if (name.value !== 'requiresScopes' && name.value !== 'federation__requiresScopes') return [];
    return [items(given.find((argument) => argument.name.value === 'scopes')?.value).map((all) => items(all).map(toText))];
  });
}

/** A single value stands for a list of one. */
function items(value: ConstValueNode | undefined): readonly ConstValueNode[] {
  return value === undefined ? [] : value.kind === Kind.LIST ? value.values : [value];
}

function toText(value: ConstValueNode): string {
  return value.kind === Kind.STRING ? value.value : '';
}
