import {
  getNamedType,
  type GraphQLNamedType,
  type GraphQLSchema,
  isInputObjectType,
  isSpecifiedScalarType,
  type OperationDefinitionNode,
  print,
  printType,
  typeFromAST,
  type NamedTypeNode,
} from 'graphql';
import type { VariableRules } from '#schema/contracts/plan';

/** @returns undefined when the operation has no variables */
export function toVariableRules({ variableDefinitions = [] }: OperationDefinitionNode, schema: GraphQLSchema): VariableRules | undefined {
  if (variableDefinitions.length === 0) return undefined;
  const named = new Set<GraphQLNamedType>();
  const collect = (type: GraphQLNamedType | undefined): void => {
    if (type === undefined || named.has(type) || isSpecifiedScalarType(type)) return;
    named.add(type);
    if (isInputObjectType(type)) for (const field of Object.values(type.getFields())) collect(getNamedType(field.type));
  };
  for (const { type } of variableDefinitions) collect(getNamedType(typeFromAST(schema, type as NamedTypeNode)));
  return {
    definitions: `(${variableDefinitions.map((definition) => print(definition)).join(', ')})`,
    types: [...named].map(printType).join('\n'),
  };
}
