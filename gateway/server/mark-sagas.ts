// Which operations are sagas without saying so: those that the settings name.
import { type DocumentNode, Kind, type OperationDefinitionNode, OperationTypeNode } from 'graphql';
import { SAGA_DIRECTIVE } from '#schema/contracts/plan';

/** @returns the document with `@saga` on `operation` when it is a mutation of one of these names; the same object each time */
export type SagaMarker = (document: DocumentNode, operation: OperationDefinitionNode) => DocumentNode;

export function createSagaMarker(names: readonly string[]): SagaMarker {
  const marked = new WeakMap<DocumentNode, Map<string, DocumentNode>>();
  return (document, { operation: kind, name, directives = [] }) => {
    const isNamed = kind === OperationTypeNode.MUTATION && name !== undefined && names.includes(name.value);
    if (!isNamed || directives.some((directive) => directive.name.value === SAGA_DIRECTIVE)) return document;
    const known = marked.get(document) ?? new Map<string, DocumentNode>();
    marked.set(document, known);
    const found = known.get(name.value) ?? mark(document, name.value);
    known.set(name.value, found);
    return found;
  };
}

function mark(document: DocumentNode, name: string): DocumentNode {
  return {
    ...document,
    definitions: document.definitions.map((definition) =>
      definition.kind === Kind.OPERATION_DEFINITION && definition.name?.value === name
        ? {
            ...definition,
            directives: [...(definition.directives ?? []), { kind: Kind.DIRECTIVE, name: { kind: Kind.NAME, value: SAGA_DIRECTIVE } }],
          }
        : definition,
    ),
  };
}
