// `@timeout(ms:)` and `@retry(attempts:, intervalMs:, backoff:, maxIntervalMs:)` on fields of services: how long a fetch that asks for
// the field may take, and how often it is tried. docs/guides/make-your-mutation-durable.md
import {
  type ConstDirectiveNode,
  type DocumentNode,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
  parse,
  TypeInfo,
  valueFromASTUntyped,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import type { FetchPolicy, RetryPolicy } from '#schema/contracts/plan';

/** Bounds of what may be declared; outside of them composing refuses, and what was composed elsewhere is brought back to them. */
export const POLICY_BOUNDS = {
  ms: [1, 600_000],
  attempts: [1, 20],
  intervalMs: [1, 60_000],
  backoff: [1, 10],
  maxIntervalMs: [1, 600_000],
} as const satisfies Record<string, readonly [least: number, most: number]>;
type Argument = keyof typeof POLICY_BOUNDS;

/** Of the arguments that a use of `@retry` leaves out. */
const RETRY_DEFAULTS: RetryPolicy = { attempts: 3, intervalMs: 200, backoff: 2, maxIntervalMs: 10_000 };

export interface DeclaredPolicy {
  policy: FetchPolicy;
  /** Arguments that are missing or out of bounds, in words. */
  malformed: readonly { directive: 'timeout' | 'retry'; problem: string }[];
}

/** @returns undefined when a field has neither directive */
export function readPolicy(directives: readonly ConstDirectiveNode[] | undefined): DeclaredPolicy | undefined {
  const timeout = directives?.find(({ name }) => name.value === 'timeout');
  const retry = directives?.find(({ name }) => name.value === 'retry');
  if (timeout === undefined && retry === undefined) return undefined;
  const malformed: { directive: 'timeout' | 'retry'; problem: string }[] = [];

  function read(directive: ConstDirectiveNode, argument: Argument, otherwise: number | undefined): number | undefined {
    const given = directive.arguments?.find(({ name }) => name.value === argument);
    const value: unknown = given === undefined ? otherwise : valueFromASTUntyped(given.value);
    const [least, most] = POLICY_BOUNDS[argument];
    const isNumber = typeof value === 'number' && (argument === 'backoff' || Number.isInteger(value));
    if (isNumber && value >= least && value <= most) return value;
    malformed.push({ directive: directive.name.value as 'timeout' | 'retry', problem: `${argument}: expected ${least} to ${most}` });
    return isNumber ? Math.min(Math.max(value, least), most) : otherwise;
  }

  const policy: FetchPolicy = {};
  const timeoutMs = timeout === undefined ? undefined : read(timeout, 'ms', undefined);
  if (timeoutMs !== undefined) policy.timeoutMs = timeoutMs;
  if (retry !== undefined) {
    const get = (argument: Argument & keyof RetryPolicy): number => read(retry, argument, RETRY_DEFAULTS[argument]) as number;
    const intervalMs = get('intervalMs');
    const declared = { attempts: get('attempts'), intervalMs, backoff: get('backoff'), maxIntervalMs: get('maxIntervalMs') };
    policy.retry = { ...declared, maxIntervalMs: Math.max(intervalMs, declared.maxIntervalMs) };
  }
  return { policy, malformed };
}

/** The longest time-out and the most attempts; undefined when there is nothing in them. */
export function combinePolicies(policies: readonly (FetchPolicy | undefined)[]): FetchPolicy | undefined {
  const combined: FetchPolicy = {};
  for (const { timeoutMs, retry } of policies.filter((policy) => policy !== undefined)) {
    if (timeoutMs !== undefined) combined.timeoutMs = Math.max(timeoutMs, combined.timeoutMs ?? 0);
    if (retry !== undefined && retry.attempts > (combined.retry?.attempts ?? 0)) combined.retry = retry;
  }
  return Object.keys(combined).length === 0 ? undefined : combined;
}

/** Tells what the fields of a service's operation declare together; of a supergraph that declares nothing, without reading it. */
export function createPolicyReader(supergraph: GraphQLSchema): (operation: string) => FetchPolicy | undefined {
  const declared = new Map<string, FetchPolicy>();
  for (const type of Object.values(supergraph.getTypeMap())) {
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const found = readPolicy(field.astNode?.directives);
      if (found !== undefined) declared.set(`${type.name}.${field.name}`, found.policy);
    }
  }
  if (declared.size === 0) return () => undefined;
  return (operation) => {
    const found: (FetchPolicy | undefined)[] = [];
    const types = new TypeInfo(supergraph);
    const document: DocumentNode = parse(operation, { noLocation: true });
    visit(
      document,
      // Below `_entities`, which the supergraph has not, the type conditions say where one is.
      visitWithTypeInfo(types, { Field: ({ name }) => void found.push(declared.get(`${types.getParentType()?.name}.${name.value}`)) }),
    );
    return combinePolicies(found);
  };
}
