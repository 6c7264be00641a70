// Apollo's planner merges fields by response key: an alias that equals the name of a key or of a `@requires` input is then taken
// for that field, and the answer is wrong. Such aliases get a prefix before planning, which the answer's shape takes off.
import { type DocumentNode, type FieldNode, type GraphQLSchema, isInterfaceType, isObjectType, visit } from 'graphql';
import { ALIAS_PREFIX } from '#schema/contracts/plan';

export interface AliasPass {
  apply(document: DocumentNode): DocumentNode;
  toDataKey(field: FieldNode): string;
}

export function createAliasPass(supergraph: GraphQLSchema): AliasPass {
  const names = new Set(
    Object.values(supergraph.getTypeMap()).flatMap((type) =>
      isObjectType(type) || isInterfaceType(type) ? Object.keys(type.getFields()) : [],
    ),
  );

  function toDataKey({ name, alias }: FieldNode): string {
    if (alias === undefined || alias.value === name.value) return name.value;
    const isAmbiguous = names.has(alias.value) || alias.value.startsWith('__') || alias.value.startsWith(ALIAS_PREFIX);
    return isAmbiguous ? ALIAS_PREFIX + alias.value : alias.value;
  }
  return {
    toDataKey,
    apply: (document) =>
      visit(document, {
        Field: (node) => {
          const key = toDataKey(node);
          return node.alias === undefined || node.alias.value === key ? undefined : { ...node, alias: { ...node.alias, value: key } };
        },
      }),
  };
}
