import { type DocumentNode, Kind, visit } from 'graphql';

/**
 * The labels of a supergraph's progressive `@override(from:, label:)`, each once.
 *
 * @param supergraph - as composed, not the API schema: that has lost its directives
 */
export function readOverrideLabels(supergraph: DocumentNode): readonly string[] {
  const labels = new Set<string>();
  visit(supergraph, {
    Directive: ({ name, arguments: given = [] }) => {
      const label = given.find((argument) => argument.name.value === 'overrideLabel')?.value;
      if (name.value === 'join__field' && label?.kind === Kind.STRING) labels.add(label.value);
    },
  });
  return [...labels].sort();
}
