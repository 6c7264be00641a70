import { type ArgumentNode, type ConstDirectiveNode, type DirectiveNode, type DocumentNode, print, visit } from 'graphql';

/**
 * Apollo's planner takes the first key of a type to leave a service, also one that is not resolvable, and then plans a fetch
 * that answers wrongly. Without such keys in its SDL it takes another.
 *
 * An interface object keeps its only key: the planner refuses to load one that has none.
 */
export function withoutUnresolvableKeys(supergraph: DocumentNode): DocumentNode {
  const withoutKeys = <N extends { directives?: readonly ConstDirectiveNode[] }>(node: N): N => {
    const directives = node.directives ?? [];
    if (!directives.some(isUnresolvable)) return node;
    return {
      ...node,
      directives: directives.flatMap((directive) => {
        if (!isUnresolvable(directive)) return [directive];
        // The type's membership in that service must stay.
        const isOnlyMembership = !directives.some(
          (other) =>
            other !== directive &&
            other.name.value === 'join__type' &&
            directiveArgument(other, 'graph') === directiveArgument(directive, 'graph') &&
            !isUnresolvable(other),
        );
        if (!isOnlyMembership) return [];
        if (isInterfaceObject(directive)) return [directive];
        const kept = directive.arguments?.filter(({ name }) => name.value !== 'key' && name.value !== 'resolvable') ?? [];
        return [{ ...directive, arguments: kept }];
      }),
    };
  };
  return visit(supergraph, { ObjectTypeDefinition: withoutKeys, InterfaceTypeDefinition: withoutKeys });
}

function isUnresolvable(directive: DirectiveNode): boolean {
  return directive.name.value === 'join__type' && directiveArgument(directive, 'resolvable') === 'false';
}

export function isInterfaceObject(directive: DirectiveNode): boolean {
  return directiveArgument(directive, 'isInterfaceObject') === 'true';
}

/** @returns the argument's value as GraphQL text */
export function directiveArgument(directive: DirectiveNode, name: string): string | undefined {
  const found = directive.arguments?.find((given: ArgumentNode) => given.name.value === name);
  return found === undefined ? undefined : print(found.value);
}
