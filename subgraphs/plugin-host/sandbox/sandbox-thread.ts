// Inside the thread: one QuickJS VM with one plugin. No ambient authority: what the VM can reach is what is set up here.
// Limits that QuickJS enforces are here; those that it misses (native loops without an interrupt check) are the watchdog's.
import { getQuickJS, type QuickJSContext, type QuickJSHandle, type QuickJSRuntime } from 'quickjs-emscripten';
import { CodedError, type ErrorCode } from '#schema/contracts/errors';
import type { PluginLimits } from '#schema/contracts/plugins';
import { serveThread } from '#platform/threads';
import { createTimeLimit, nameOwnThread, readThreadCpuMs } from './time-limit.js';

export interface SandboxMethods extends Record<string, (argument: never) => unknown> {
  /** Evaluates the bundle. @returns the resolvers it has, as `Type.field`, and the thread's name for the system */
  load(plugin: { source: string; limits: PluginLimits }): Promise<{ resolvers: string[]; thread: string | null }>;
  /** @returns JSON text */
  call(call: { type: string; field: string; parent: string; args: string }): string;
}

const MAX_JOBS = 1_000;
/** Loading may take longer than a call: it runs once. */
const LOAD_CPU_FACTOR = 5;

/** Taken before the plugin runs, so that it cannot change what the host calls. */
const PRELUDE = `(() => {
  const { parse, stringify } = JSON;
  const log = () => undefined;
  globalThis.console = Object.freeze({ log, info: log, warn: log, error: log, debug: log });
  return {
    list: (plugin) => stringify(Object.entries(plugin?.resolvers ?? {}).flatMap(([type, fields]) => Object.keys(fields ?? {}).map((field) => type + '.' + field))),
    call: async (plugin, type, field, parent, args) => stringify(await plugin.resolvers[type][field](parse(parent), parse(args))) ?? 'null',
  };
})()`;

interface Vm {
  runtime: QuickJSRuntime;
  context: QuickJSContext;
  prelude: QuickJSHandle;
  plugin: QuickJSHandle;
  limits: PluginLimits;
}
let vm: Vm | undefined;
const thread = nameOwnThread();

serveThread({
  load: async ({ source, limits }: { source: string; limits: PluginLimits }) => {
    const runtime = (await getQuickJS()).newRuntime();
    runtime.setMemoryLimit(limits.heapBytes);
    runtime.setMaxStackSize(limits.stackBytes);
    const context = runtime.newContext();
    const prelude = context.unwrapResult(context.evalCode(PRELUDE, 'prelude.js'));
    withDeadline(runtime, limits, LOAD_CPU_FACTOR);
    const namespace = settle({ runtime, context }, context.evalCode(source, 'plugin.mjs', { type: 'module' }), 'LOAD_FAILED');
    const plugin = context.getProp(namespace, 'default');
    vm = { runtime, context, prelude, plugin, limits };
    const list = invoke(vm, 'list', [plugin], 'LOAD_FAILED');
    return { resolvers: JSON.parse(list) as string[], thread };
  },
  call: ({ type, field, parent, args }: { type: string; field: string; parent: string; args: string }) => {
    if (vm === undefined) throw new CodedError('LOAD_FAILED', 'no plugin is loaded');
    const { context, plugin, limits } = vm;
    withDeadline(vm.runtime, limits);
    const texts = [type, field, parent, args].map((text) => context.newString(text));
    try {
      const json = invoke(vm, 'call', [plugin, ...texts], 'PLUGIN_ERROR');
      if (json.length > limits.outputBytes)
        throw new CodedError('OUTPUT_LIMIT', `the plugin returned more than ${limits.outputBytes} bytes`);
      return json;
    } finally {
      for (const text of texts) text.dispose();
    }
  },
} satisfies SandboxMethods);

/** Interrupts the VM when its time is up. */
function withDeadline(runtime: QuickJSRuntime, limits: PluginLimits, factor = 1): void {
  const cpuMs = limits.cpuMs * factor;
  const leftMs = createTimeLimit({ cpuMs, wallMs: limits.wallMs * factor, now: Date.now, readCpuMs: () => readThreadCpuMs(thread) });
  let checkAt = Date.now() + cpuMs;
  runtime.setInterruptHandler(() => {
    const now = Date.now();
    if (now <= checkAt) return false;
    const left = leftMs();
    checkAt = now + left;
    return left <= 0;
  });
}

function invoke({ runtime, context, prelude }: Vm, name: 'list' | 'call', args: readonly QuickJSHandle[], code: ErrorCode): string {
  const fn = context.getProp(prelude, name);
  try {
    const value = settle({ runtime, context }, context.callFunction(fn, context.undefined, ...args), code);
    const text = context.getString(value);
    value.dispose();
    return text;
  } finally {
    fn.dispose();
  }
}

type Result = ReturnType<QuickJSContext['callFunction']>;

/** The value, awaited: runs the VM's jobs, at most 1,000 of them. */
function settle({ runtime, context }: Pick<Vm, 'runtime' | 'context'>, result: Result, code: ErrorCode): QuickJSHandle {
  if (result.error !== undefined) throw toError(context, result.error, code);
  const jobs = runtime.executePendingJobs(MAX_JOBS);
  if (jobs.error !== undefined) throw toError(context, jobs.error, code);
  const state = context.getPromiseState(result.value);
  if (state.type === 'fulfilled') {
    if (state.notAPromise !== true) result.value.dispose();
    return state.value;
  }
  result.value.dispose();
  if (state.type === 'rejected') throw toError(context, state.error, code);
  throw new CodedError('CPU_LIMIT', 'the plugin waits for something that never happens');
}

function toError(context: QuickJSContext, handle: QuickJSHandle, code: ErrorCode): CodedError {
  const thrown = context.dump(handle) as { name?: unknown; message?: unknown } | string | null;
  handle.dispose();
  const name = typeof thrown === 'object' && thrown !== null ? String(thrown.name) : '';
  const message = (typeof thrown === 'object' && thrown !== null ? String(thrown.message) : String(thrown)).slice(0, 200);
  if (name === 'InternalError' && message === 'interrupted') return new CodedError('CPU_LIMIT', 'the plugin used more time than it may');
  if (name === 'InternalError' && /out of memory|stack overflow/.test(message))
    return new CodedError('MEMORY_LIMIT', 'the plugin used more memory than it may');
  return new CodedError(code, `the plugin threw ${name === '' ? '' : `${name}: `}${message}`);
}
