// The search attributes that lists of operations filter by. An embedded server gets them as flags; any other one is asked for them at start.
// A1. A server that has them is asked one question and is changed in nothing.
// A2. Roles that start at once may all register: what another one has registered meanwhile counts as done.
// A3. It returns when the server takes them in a query: a namespace's frontends learn of a new attribute seconds after it was registered.
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '#schema/contracts/errors';
import { SEARCH_ATTRIBUTES } from '#schema/contracts/workflows';
import type { Logger } from '../logger.js';

const CALL_TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 250;
const AWAIT_MS = 60_000;
/** Keyword, as the API numbers it. */
const KEYWORD = 2;
/** Of gRPC. */
const STATUS = { INVALID_ARGUMENT: 3, NOT_FOUND: 5, ALREADY_EXISTS: 6, PERMISSION_DENIED: 7, UNIMPLEMENTED: 12, UNAUTHENTICATED: 16 };

/** What is asked of a connection to Temporal, a client's or a worker's. */
export interface SearchAttributeServices {
  withDeadline<T>(deadline: number, call: () => Promise<T>): Promise<T>;
  workflowService: { countWorkflowExecutions(request: { namespace: string; query: string }): Promise<unknown> };
  operatorService: {
    listSearchAttributes(request: { namespace: string }): Promise<{ customAttributes?: Record<string, number> | null }>;
    addSearchAttributes(request: { namespace: string; searchAttributes: Record<string, number> }): Promise<unknown>;
  };
}

/** @throws CONFIG_INVALID that names what is missing and the command that registers it; TEMPORAL_UNAVAILABLE */
export async function ensureSearchAttributes(options: {
  connection: SearchAttributeServices;
  address: string;
  namespace: string;
  log: Logger;
  /** @default 60000 */
  awaitMs?: number;
}): Promise<void> {
  const { connection, address, namespace, log, awaitMs = AWAIT_MS } = options;
  const call = <T>(work: () => Promise<T>): Promise<T> => connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, work);
  const deadline = Date.now() + awaitMs;
  let failure = await readRefusal();
  for (let registered = false; failure !== undefined; failure = await readRefusal()) {
    const missing = await findMissing();
    if (missing.length > 0) {
      log.info({ namespace, searchAttributes: missing }, 'registering search attributes at the Temporal server');
      await register(missing);
    } else if (!registered) log.info({ namespace }, 'waiting until the Temporal server takes its new search attributes');
    registered = true;
    if (Date.now() > deadline)
      throw new CodedError('TEMPORAL_UNAVAILABLE', `${describeServer()} has the search attributes and did not take them in ${awaitMs} ms`, {
        cause: failure,
      });
    await sleep(LOOK_EVERY_MS);
  }

  /** @returns why the server does not take a query by all of them; undefined when it does */
  async function readRefusal(): Promise<unknown> {
    // An IN is refused for attributes that are no keywords, too.
    const query = SEARCH_ATTRIBUTES.map((name) => `\`${name}\` IN ('-')`).join(' AND ');
    try {
      await call(() => connection.workflowService.countWorkflowExecutions({ namespace, query }));
      return undefined;
    } catch (cause) {
      switch (statusOf(cause)) {
        case STATUS.INVALID_ARGUMENT:
          return cause;
        case STATUS.NOT_FOUND:
          throw new CodedError(
            'CONFIG_INVALID',
            `Temporal has no namespace '${namespace}' (TEMPORAL_NAMESPACE); make it: temporal operator namespace create --address ${address} --namespace ${namespace}`,
            { cause },
          );
        case STATUS.PERMISSION_DENIED:
        case STATUS.UNAUTHENTICATED:
          throw new CodedError('CONFIG_INVALID', `${describeServer()} does not let this process list runs`, { cause });
        default:
          throw new CodedError('TEMPORAL_UNAVAILABLE', `${describeServer()} did not say which search attributes it has`, { cause });
      }
    }
  }

  /** All of them where the server does not tell. */
  async function findMissing(): Promise<readonly string[]> {
    const { customAttributes } = await call(() => connection.operatorService.listSearchAttributes({ namespace })).catch(
      (cause: unknown): { customAttributes?: Record<string, number> | null } => {
        if (isRefusal(cause)) throw refuse(SEARCH_ATTRIBUTES, cause);
        throw new CodedError('TEMPORAL_UNAVAILABLE', `${describeServer()} did not say which search attributes it has`, { cause });
      },
    );
    const known = customAttributes ?? {};
    const others = SEARCH_ATTRIBUTES.filter((name) => known[name] !== undefined && known[name] !== KEYWORD);
    if (others.length > 0)
      throw new CodedError(
        'CONFIG_INVALID',
        `${describeServer()} has search attributes of these names that are no Keywords: ${others.join(', ')}; use another namespace (TEMPORAL_NAMESPACE)`,
      );
    return SEARCH_ATTRIBUTES.filter((name) => known[name] === undefined);
  }

  async function register(names: readonly string[]): Promise<void> {
    const searchAttributes = Object.fromEntries(names.map((name) => [name, KEYWORD]));
    try {
      await call(() => connection.operatorService.addSearchAttributes({ namespace, searchAttributes }));
    } catch (cause) {
      if (statusOf(cause) === STATUS.ALREADY_EXISTS) return;
      if (isRefusal(cause)) throw refuse(names, cause);
      // Two roles that write the namespace at the same time: the next look tells what came of it.
      log.info({ err: cause, namespace }, 'search attributes were not registered at once');
    }
  }

  function refuse(names: readonly string[], cause: unknown): CodedError {
    const flags = names.map((name) => `--name ${name}`).join(' ');
    const cloud = names.map((name) => `--search-attribute "${name}=Keyword"`).join(' ');
    return new CodedError(
      'CONFIG_INVALID',
      `${describeServer()} lacks the search attributes ${names.join(', ')} and did not let this process register them (${(cause as Error).message}). ` +
        `Register them: temporal operator search-attribute create --address ${address} --namespace ${namespace} ${flags} --type Keyword` +
        ` (Temporal Cloud: tcld namespace search-attributes add --namespace ${namespace} ${cloud})`,
      { cause },
    );
  }

  function describeServer(): string {
    return `the namespace '${namespace}' of Temporal at ${address}`;
  }
}

/** Asking again gets the same answer. */
function isRefusal(error: unknown): boolean {
  const refusals: (number | undefined)[] = [
    STATUS.INVALID_ARGUMENT,
    STATUS.NOT_FOUND,
    STATUS.PERMISSION_DENIED,
    STATUS.UNIMPLEMENTED,
    STATUS.UNAUTHENTICATED,
  ];
  return refusals.includes(statusOf(error));
}

function statusOf(error: unknown): number | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}
