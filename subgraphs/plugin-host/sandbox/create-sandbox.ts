// A plugin in a thread of its own, so that a kill concerns this plugin alone.
// X1. The calls of one request wait for each other. A request over the concurrency cap is refused at once.
// X2. One call is in the thread at a time, so a thread that has to be ended fails one call; the others go to its successor.
// X3. There is at most one thread: a successor starts when it is needed, after the old one has ended.
// X4. The interrupt inside QuickJS misses native loops: a call over twice its limit ends the thread, unless the thread has only waited for
//     the processor.
// X5. What comes back is JSON without `__proto__`.
import { CodedError, type ErrorCode, errorCodeOf } from '#schema/contracts/errors';
import type { Json } from '#schema/contracts/json';
import { DEFAULT_PLUGIN_LIMITS, type PluginLimits } from '#schema/contracts/plugins';
import { createThreadClient, startThread, type ThreadClient } from '#platform/threads';
import type { SandboxMethods } from './sandbox-thread.js';
import { createTimeLimit, readThreadCpuMs } from './time-limit.js';
import { createTurns } from './turns.js';

const LOAD_TIMEOUT_MS = 10_000;
const MIN_WATCHDOG_MS = 500;

export interface SandboxCall {
  type: string;
  field: string;
  parent: Json;
  args: Json;
}

/** Whom a call belongs to: calls with the same object are of one request. */
export interface SandboxRequest {
  /** Aborted when nobody waits any longer: calls that have not begun are left out. */
  readonly signal?: AbortSignal | undefined;
}

export interface Sandbox {
  /** Resolvers the plugin has, as `Type.field`. */
  readonly resolvers: readonly string[];
  /** @throws CPU_LIMIT, MEMORY_LIMIT, OUTPUT_LIMIT, CONCURRENCY_LIMIT, PLUGIN_ERROR, RESULT_INVALID, PLUGIN_REMOVED after `close` */
  call(call: SandboxCall, request: SandboxRequest): Promise<Json>;
  close(): Promise<void>;
}

interface Waiting {
  call: SandboxCall;
  resolve: (value: Json) => void;
  reject: (error: unknown) => void;
}

interface PluginThread {
  client: ThreadClient<SandboxMethods>;
  resolvers: string[];
  /** Its name for the system. */
  thread: string | null;
}

/** @throws LOAD_FAILED, CPU_LIMIT, MEMORY_LIMIT */
export async function createSandbox(plugin: { source: string; limits?: Partial<PluginLimits> }): Promise<Sandbox> {
  const limits: PluginLimits = { ...DEFAULT_PLUGIN_LIMITS, ...plugin.limits };
  const watchdogMs = Math.max(MIN_WATCHDOG_MS, 2 * limits.cpuMs);
  const turns = createTurns<SandboxRequest, Waiting>(limits.concurrency);
  let current: PluginThread | undefined = await open();
  const { resolvers } = current;
  let serving = Promise.resolve();
  let isServing = false;
  let closed = false;

  async function open(): Promise<PluginThread> {
    const client = createThreadClient<SandboxMethods>(startThread(new URL('./sandbox-thread.js', import.meta.url)));
    try {
      const opened = { client, ...(await client.call('load', { source: plugin.source, limits }, LOAD_TIMEOUT_MS)) };
      void client.ended.then(() => {
        if (current?.client === client) current = undefined;
      });
      return opened;
    } catch (error) {
      await client.close();
      if (!isThreadFault(errorCodeOf(error))) throw error;
      throw new CodedError('LOAD_FAILED', 'the plugin did not load in time', { cause: error });
    }
  }

  async function end(): Promise<void> {
    const ended = current;
    current = undefined;
    await ended?.client.close();
  }

  async function serve(): Promise<void> {
    isServing = true;
    for (let turn = turns.next(); turn !== undefined; turn = turns.next()) {
      const { resolve, reject, call } = turn.item;
      await run(call, turn.request).then(resolve, reject);
      turns.finish(turn.request);
    }
    isServing = false;
  }

  async function run({ type, field, parent, args }: SandboxCall, { signal }: SandboxRequest): Promise<Json> {
    if (closed) throw removed();
    if (signal?.aborted === true) throw new CodedError('OPERATION_CANCELLED', 'the caller has left');
    const { client, thread } = (current ??= await open());
    const leftMs = createTimeLimit({ cpuMs: limits.cpuMs, wallMs: limits.wallMs, now: Date.now, readCpuMs: () => readThreadCpuMs(thread) });
    let isOver = false;
    const moreMs = (): number => {
      const left = leftMs();
      isOver = left <= 0;
      return left;
    };
    try {
      const argument = { type, field, parent: JSON.stringify(parent), args: JSON.stringify(args) };
      return parseResult(await client.call('call', argument, watchdogMs, moreMs));
    } catch (error) {
      const code = errorCodeOf(error);
      // What a plugin keeps stays allocated, so a VM that has run full would refuse every later call.
      if (code === 'MEMORY_LIMIT') await end();
      if (!isThreadFault(code)) throw error;
      await end();
      if (closed) throw removed(error);
      throw isOver
        ? new CodedError('CPU_LIMIT', 'the plugin did not come back and was ended', { cause: error })
        : new CodedError('PLUGIN_ERROR', 'the sandbox of the plugin failed and was ended', { cause: error });
    }
  }

  return {
    resolvers,
    call: (call, request) =>
      new Promise((resolve, reject) => {
        if (closed) throw removed();
        turns.add(request, { call, resolve, reject });
        if (!isServing) serving = serve();
      }),
    close: async () => {
      closed = true;
      await end();
      // A successor that was starting meanwhile ends here. What still waited has been refused.
      await serving;
      await end();
    },
  };
}

/** Of the thread, not of the plugin: it ended, or failed outside the plugin's code. */
function isThreadFault(code: ErrorCode | undefined): boolean {
  return code === 'PART_LOST' || code === 'INTERNAL_SERVER_ERROR';
}

function removed(cause?: unknown): CodedError {
  return new CodedError('PLUGIN_REMOVED', 'this plugin version is no longer served', { cause });
}

function parseResult(json: string): Json {
  try {
    return JSON.parse(json, (key, value: Json) => {
      if (key === '__proto__') throw new CodedError('RESULT_INVALID', 'the plugin returned a key __proto__');
      return value;
    }) as Json;
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError('RESULT_INVALID', 'the plugin returned something that is not JSON', { cause: error });
  }
}
