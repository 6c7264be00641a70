// The supergraph's `@cost` and `@listSize` as tables, read once a generation. From federation 2.9 or by `@composeDirective`.
import { type ConstDirectiveNode, type DocumentNode, Kind, valueFromASTUntyped } from 'graphql';

export interface ListSize {
  assumedSize: number | null;
  /** Names, or paths into input objects: `input.first`. */
  slicingArguments: readonly string[];
  /** Fields of the returned object that are the list, e.g. `nodes` of a connection; empty: the field itself. */
  sizedFields: readonly string[];
  requireOneSlicingArgument: boolean;
}

export interface CostRules {
  /** False: the supergraph declares neither directive, so that nothing is known about costs. */
  isDeclared: boolean;
  /** By coordinate: `Type`, `Type.field`, `Type.field(argument:)`, `Input.field`. */
  weights: ReadonlyMap<string, number>;
  /** By `Type.field`. */
  listSizes: ReadonlyMap<string, ListSize>;
}

/** @param supergraph - as composed, not the API schema: that has lost its directives */
export function readCostRules(supergraph: DocumentNode): CostRules {
  const { cost, listSize } = directiveNames(supergraph);
  const weights = new Map<string, number>();
  const listSizes = new Map<string, ListSize>();

  function readWeight(coordinate: string, { directives = [] }: { directives?: readonly ConstDirectiveNode[] }): void {
    const weight = Number(argumentsOf(directives, cost)?.['weight']);
    if (Number.isFinite(weight)) weights.set(coordinate, weight);
  }

  for (const type of supergraph.definitions) {
    if (!('name' in type) || type.name === undefined || type.kind === Kind.DIRECTIVE_DEFINITION) continue;
    const typeName = type.name.value;
    readWeight(typeName, type as { directives?: readonly ConstDirectiveNode[] });
    if (!('fields' in type)) continue;
    for (const field of type.fields ?? []) {
      const coordinate = `${typeName}.${field.name.value}`;
      readWeight(coordinate, field);
      for (const argument of 'arguments' in field ? field.arguments : []) readWeight(`${coordinate}(${argument.name.value}:)`, argument);
      const size = argumentsOf(field.directives ?? [], listSize);
      if (size !== undefined)
        listSizes.set(coordinate, {
          assumedSize: typeof size['assumedSize'] === 'number' ? size['assumedSize'] : null,
          slicingArguments: toList(size['slicingArguments']),
          sizedFields: toList(size['sizedFields']),
          requireOneSlicingArgument: size['requireOneSlicingArgument'] !== false,
        });
    }
  }
  return { isDeclared: weights.size + listSizes.size > 0, weights, listSizes };
}

/** Their own names, unless the link to their specification imports them under others. */
function directiveNames(supergraph: DocumentNode): { cost: string; listSize: string } {
  const names = { cost: 'cost', listSize: 'listSize' };
  for (const definition of supergraph.definitions) {
    if (definition.kind !== Kind.SCHEMA_DEFINITION && definition.kind !== Kind.SCHEMA_EXTENSION) continue;
    for (const link of definition.directives ?? []) {
      const { url, import: imported } = argumentsOf([link], 'link') ?? {};
      if (typeof url !== 'string' || !/\/cost\/v[\d.]+$/.test(url) || !Array.isArray(imported)) continue;
      for (const item of imported as unknown[]) {
        const { name, as } = (item ?? {}) as { name?: unknown; as?: unknown };
        if (typeof as !== 'string') continue;
        if (name === '@cost') names.cost = as.slice(1);
        if (name === '@listSize') names.listSize = as.slice(1);
      }
    }
  }
  return names;
}

function argumentsOf(directives: readonly ConstDirectiveNode[], name: string): Record<string, unknown> | undefined {
  const found = directives.find((directive) => directive.name.value === name);
  return found && Object.fromEntries((found.arguments ?? []).map((given) => [given.name.value, valueFromASTUntyped(given.value)]));
}

/** A single value stands for a list of one. */
function toList(value: unknown): string[] {
  return value == null ? [] : (Array.isArray(value) ? value : [value]).map(String);
}
