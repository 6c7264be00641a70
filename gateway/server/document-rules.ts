// Rules on documents beside those of the specification: the same for every transport. Sizes count what a document means, fragments taken apart, so that a short
// text cannot stand for a huge selection.
import {
  type ASTVisitor,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
  visit,
} from 'graphql';

export const MAX_VALIDATION_ERRORS = 5;

/** The most that one operation may have of each. `cost` is judged when the variables are known (operation-cost.ts). */
export interface DocumentLimits {
  tokens: number;
  depth: number;
  aliases: number;
  directives: number;
  rootFields: number;
  selections: number;
  cost: number;
}

const LABELS: Record<keyof DocumentLimits, string> = {
  tokens: 'tokens',
  depth: 'levels',
  aliases: 'aliases',
  directives: 'directives',
  rootFields: 'root fields',
  selections: 'selections',
  cost: 'points of cost',
};

/** For callers: which limit, what it is, and what the operation has. They say nothing about the schema. */
export interface LimitFacts {
  limit: keyof DocumentLimits;
  maximum: number;
  actual: number;
}

export function describeLimit({ limit, maximum, actual }: LimitFacts): string {
  return `The operation is over a limit: at most ${maximum} ${LABELS[limit]}, got ${actual}.`;
}

/** @returns the facts when `error` is about a limit; the parser stops at the first token too many */
export function limitFactsOf({ message, extensions }: Pick<GraphQLError, 'message' | 'extensions'>): LimitFacts | undefined {
  if (typeof extensions?.['limit'] === 'string') {
    const { limit, maximum, actual } = extensions as unknown as LimitFacts;
    return { limit, maximum, actual };
  }
  const maximum = Number(/^Syntax Error: Document contains more tha[nt] (\d+) tokens/.exec(message)?.[1]);
  return Number.isNaN(maximum) ? undefined : { limit: 'tokens', maximum, actual: maximum + 1 };
}

interface Size {
  depth: number;
  aliases: number;
  directives: number;
  rootFields: number;
  selections: number;
}

const EMPTY: Size = { depth: 0, aliases: 0, directives: 0, rootFields: 0, selections: 0 };

/** What every transport validates beside the specification's rules. */
export function createDocumentRules(limits: DocumentLimits): ValidationRule[] {
  return [RootTypeExistsRule, createDocumentLimitsRule(limits)];
}

/** graphql-js 16 has no such rule: it finds no fault in the fields of an operation whose root type the schema lacks. */
function RootTypeExistsRule(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition(node) {
      if (context.getSchema().getRootType(node.operation) == null)
        context.reportError(new GraphQLError(`The schema has no ${node.operation} type.`, { nodes: node }));
      return false;
    },
  };
}

/** Every operation of the document is measured, also those that are not asked for. */
function createDocumentLimitsRule(limits: DocumentLimits): ValidationRule {
  return (context) => ({
    OperationDefinition(node) {
      for (const [limit, actual] of Object.entries(measureOperation(node, context.getDocument())) as [keyof Size, number][]) {
        const facts = { limit, maximum: limits[limit], actual };
        if (actual > facts.maximum) context.reportError(new GraphQLError(describeLimit(facts), { extensions: facts }));
      }
      return false;
    },
  });
}

function measureOperation(operation: OperationDefinitionNode, document: DocumentNode): Size {
  const fragments = new Map(
    document.definitions.flatMap((d): [string, FragmentDefinitionNode][] =>
      d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [],
    ),
  );
  // Each fragment is measured once; null while it is being measured, since a cycle is another rule's finding.
  const measured = new Map<string, Size | null>();

  function measureFragment(name: string): Size {
    const known = measured.get(name);
    const fragment = fragments.get(name);
    if (known !== undefined || fragment === undefined) return known ?? EMPTY;
    measured.set(name, null);
    const size = measure(fragment.selectionSet);
    const whole = { ...size, directives: size.directives + (fragment.directives?.length ?? 0) };
    measured.set(name, whole);
    return whole;
  }

  function measure(set: SelectionSetNode): Size {
    const total = { ...EMPTY };
    for (const selection of set.selections) {
      const inner =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? measureFragment(selection.name.value)
          : selection.selectionSet === undefined
            ? EMPTY
            : measure(selection.selectionSet);
      const isField = selection.kind === Kind.FIELD;
      total.depth = Math.max(total.depth, inner.depth + (isField ? 1 : 0));
      total.aliases += inner.aliases + (isField && selection.alias !== undefined ? 1 : 0);
      total.directives += inner.directives + (selection.directives?.length ?? 0);
      total.rootFields += isField ? 1 : inner.rootFields;
      total.selections += inner.selections + 1;
    }
    return total;
  }

  const size = measure(operation.selectionSet);
  return { ...size, directives: size.directives + (operation.directives?.length ?? 0) };
}

const introspecting = new WeakMap<DocumentNode, boolean>();

/** Does the document ask for `__schema` or `__type`? (`__typename` is no introspection.) */
export function asksForSchema(document: DocumentNode): boolean {
  let asks = introspecting.get(document);
  if (asks === undefined) {
    asks = false;
    visit(document, {
      Field(node) {
        if (node.name.value === '__schema' || node.name.value === '__type') asks = true;
      },
    });
    introspecting.set(document, asks);
  }
  return asks;
}
