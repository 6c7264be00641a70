// A plugin in a thread of its own, so that a kill concerns this plugin alone.
// X1. Calls over the concurrency cap are refused at once.
// X2. The interrupt inside QuickJS misses native loops: a call over twice its limit ends the thread, unless the thread has only waited for
//     the processor; the next call starts another.
// X3. What comes back is JSON without `__proto__`.
import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import type { Json } from '#schema/contracts/json';
import { DEFAULT_PLUGIN_LIMITS, type PluginLimits } from '#schema/contracts/plugins';
import { createThreadClient, startThread, type ThreadClient } from '#platform/threads';
import type { SandboxMethods } from './sandbox-thread.js';
import { createTimeLimit, readThreadCpuMs } from './time-limit.js';

const LOAD_TIMEOUT_MS = 10_000;
const MIN_WATCHDOG_MS = 500;

export interface Sandbox {
  /** Resolvers the plugin has, as `Type.field`. */
  readonly resolvers: readonly string[];
  /** @throws CPU_LIMIT, MEMORY_LIMIT, OUTPUT_LIMIT, CONCURRENCY_LIMIT, PLUGIN_ERROR, RESULT_INVALID */
  call(call: { type: string; field: string; parent: Json; args: Json }): Promise<Json>;
  close(): Promise<void>;
}

/** @throws LOAD_FAILED, CPU_LIMIT, MEMORY_LIMIT */
export async function createSandbox(plugin: { source: string; limits?: Partial<PluginLimits> }): Promise<Sandbox> {
  const limits: PluginLimits = { ...DEFAULT_PLUGIN_LIMITS, ...plugin.limits };
  const watchdogMs = Math.max(MIN_WATCHDOG_MS, 2 * limits.cpuMs);
  let running = 0;
  let loading = open();
  const { resolvers } = await loading.catch(async (error: unknown) => {
    throw errorCodeOf(error) === 'INTERNAL_SERVER_ERROR'
      ? new CodedError('LOAD_FAILED', 'the plugin did not load in time', { cause: error })
      : error;
  });

  async function open(): Promise<{ client: ThreadClient<SandboxMethods>; resolvers: string[]; thread: string | null }> {
    const client = createThreadClient<SandboxMethods>(startThread(new URL('./sandbox-thread.js', import.meta.url)));
    try {
      return { client, ...(await client.call('load', { source: plugin.source, limits }, LOAD_TIMEOUT_MS)) };
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  return {
    resolvers,
    async call({ type, field, parent, args }) {
      if (running >= limits.concurrency) throw new CodedError('CONCURRENCY_LIMIT', `the plugin serves ${limits.concurrency} calls at once`);
      running += 1;
      try {
        const { client, thread } = await loading;
        // The thread takes one call after the other, so a call waits for those before it.
        const moreMs = createTimeLimit({
          cpuMs: limits.cpuMs * running,
          wallMs: limits.wallMs * running,
          now: Date.now,
          readCpuMs: () => readThreadCpuMs(thread),
        });
        const argument = { type, field, parent: JSON.stringify(parent), args: JSON.stringify(args) };
        const json = await client.call('call', argument, watchdogMs * running, moreMs);
        return parseResult(json);
      } catch (error) {
        if (errorCodeOf(error) !== 'INTERNAL_SERVER_ERROR') throw error;
        loading = open();
        loading.catch(() => undefined);
        throw new CodedError('CPU_LIMIT', 'the plugin did not come back and was ended', { cause: error });
      } finally {
        running -= 1;
      }
    },
    close: async () => {
      await (await loading.catch(() => undefined))?.client.close();
    },
  };
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
