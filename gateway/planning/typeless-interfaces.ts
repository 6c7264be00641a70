import {
  type ConstDirectiveNode,
  type DocumentNode,
  type InterfaceTypeDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  visit,
} from 'graphql';
import { isInterfaceObject } from './unresolvable-keys.js';

/**
 * An interface that no type implements is planned as an object type. A service that knows it as an object (@interfaceObject) has objects of
 * it, whose only type name is the interface's own. Apollo's planner asks other services for their `__typename`, which none has, fails at
 * their objects, and plans to nothing, without an error, what cannot be reached.
 *
 * @returns a supergraph for planning; callers see the interface
 */
export function withTypelessInterfacesAsObjects(supergraph: DocumentNode): DocumentNode {
  const implemented = new Set(
    supergraph.definitions.flatMap((definition) =>
      definition.kind === Kind.OBJECT_TYPE_DEFINITION || definition.kind === Kind.INTERFACE_TYPE_DEFINITION
        ? (definition.interfaces ?? []).map(({ name }) => name.value)
        : [],
    ),
  );
  return visit(supergraph, {
    InterfaceTypeDefinition: (node) => (implemented.has(node.name.value) ? undefined : toObject(node)),
  });
}

function toObject(node: InterfaceTypeDefinitionNode): ObjectTypeDefinitionNode {
  return { ...node, kind: Kind.OBJECT_TYPE_DEFINITION, directives: (node.directives ?? []).map(toObjectMembership) };
}

/** A service that knows it as an interface has no objects of it, and cannot be asked for one by a key. */
function toObjectMembership(directive: ConstDirectiveNode): ConstDirectiveNode {
  const { name, arguments: given = [] } = directive;
  if (name.value !== 'join__type') return directive;
  if (isInterfaceObject(directive))
    return { ...directive, arguments: given.filter((argument) => argument.name.value !== 'isInterfaceObject') };
  if (!given.some((argument) => argument.name.value === 'key')) return directive;
  const resolvable = {
    kind: Kind.ARGUMENT,
    name: { kind: Kind.NAME, value: 'resolvable' },
    value: { kind: Kind.BOOLEAN, value: false },
  } as const;
  return { ...directive, arguments: [...given.filter((argument) => argument.name.value !== 'resolvable'), resolvable] };
}
