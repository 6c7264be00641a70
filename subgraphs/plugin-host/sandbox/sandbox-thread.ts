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
  const slice = Function.prototype.call.bind(String.prototype.slice);
  const text = String;
  const clip = (value) => (typeof value === 'string' ? slice(value, 0, 200) : '');
  const log = () => undefined;
  globalThis.console = Object.freeze({ log, info: log, warn: log, error: log, debug: log });
  return {
    list: (plugin) => stringify(Object.entries(plugin?.resolvers ?? {}).flatMap(([type, fields]) => Object.keys(fields ?? {}).map((field) => type + '.' + field))),
    call: async (plugin, type, field, parent, args) => stringify(await plugin.resolvers[type][field](parse(parent), parse(args))) ?? 'null',
    describe: (thrown) => {
      if (typeof thrown === 'symbol' || typeof thrown === 'function') return '\\n' + typeof thrown;
      if (typeof thrown !== 'object' || thrown === null) return '\\n' + clip(text(thrown));
      return clip(thrown.name) + '\\n' + clip(thrown.message);
    },
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
/** Whether the VM was interrupted since the time limit was set. */
let isInterrupted = false;
const thread = nameOwnThread();

serveThread({
  load: async ({ source, limits }: { source: string; limits: PluginLimits }) => {
    const runtime = (await getQuickJS()).newRuntime();
    runtime.setMemoryLimit(limits.heapBytes);
    runtime.setMaxStackSize(limits.stackBytes);
    const context = runtime.newContext();
    const prelude = context.unwrapResult(context.evalCode(PRELUDE, 'prelude.js'));
    withDeadline(runtime, limits, LOAD_CPU_FACTOR);
    const bare = { runtime, context, prelude };
    const namespace = settle(bare, context.evalCode(source, 'plugin.mjs', { type: 'module' }), 'LOAD_FAILED');
    const plugin = context.getProp(namespace, 'default');
    vm = { ...bare, plugin, limits };
    const list = invoke(vm, 'list', [plugin], 'LOAD_FAILED');
    return { resolvers: parseResolvers(list, limits), thread };
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

/** The plugin can change what the VM makes of its list (`toJSON`). */
function parseResolvers(list: string, limits: PluginLimits): string[] {
  try {
    const resolvers: unknown = list.length > limits.outputBytes ? undefined : JSON.parse(list);
    if (Array.isArray(resolvers) && resolvers.every((name) => typeof name === 'string')) return resolvers;
  } catch {
    // Falls through: it is not JSON.
  }
  throw new CodedError('LOAD_FAILED', `expected resolvers by type and field, named in at most ${limits.outputBytes} bytes`);
}

/** Interrupts the VM when its time is up. */
function withDeadline(runtime: QuickJSRuntime, limits: PluginLimits, factor = 1): void {
  const cpuMs = limits.cpuMs * factor;
  const leftMs = createTimeLimit({ cpuMs, wallMs: limits.wallMs * factor, now: Date.now, readCpuMs: () => readThreadCpuMs(thread) });
  let checkAt = Date.now() + cpuMs;
  isInterrupted = false;
  runtime.setInterruptHandler(() => {
    const now = Date.now();
    if (now <= checkAt) return false;
    const left = leftMs();
    checkAt = now + left;
    isInterrupted = left <= 0;
    return isInterrupted;
  });
}

type BareVm = Pick<Vm, 'runtime' | 'context' | 'prelude'>;

function invoke(vm: BareVm, name: 'list' | 'call', args: readonly QuickJSHandle[], code: ErrorCode): string {
  const { context, prelude } = vm;
  const fn = context.getProp(prelude, name);
  try {
    const value = settle(vm, context.callFunction(fn, context.undefined, ...args), code);
    const text = context.getString(value);
    value.dispose();
    return text;
  } finally {
    fn.dispose();
  }
}

type Result = ReturnType<QuickJSContext['callFunction']>;

/** The value, awaited: runs the VM's jobs, at most 1,000 of them. */
function settle(vm: BareVm, result: Result, code: ErrorCode): QuickJSHandle {
  if (result.error !== undefined) throw toError(vm, result.error, code);
  const { runtime, context } = vm;
  const jobs = runtime.executePendingJobs(MAX_JOBS);
  if (jobs.error !== undefined) throw toError(vm, jobs.error, code);
  const state = context.getPromiseState(result.value);
  if (state.type === 'fulfilled') {
    if (state.notAPromise !== true) result.value.dispose();
    return state.value;
  }
  result.value.dispose();
  if (state.type === 'rejected') throw toError(vm, state.error, code);
  throw new CodedError('CPU_LIMIT', 'the plugin waits for something that never happens');
}

function toError(vm: BareVm, thrown: QuickJSHandle, code: ErrorCode): CodedError {
  const described = isInterrupted ? undefined : describe(vm, thrown);
  thrown.dispose();
  if (isInterrupted) return new CodedError('CPU_LIMIT', 'the plugin used more time than it may');
  if (described === undefined) return new CodedError(code, 'the plugin threw something that cannot be described');
  const [name, message] = described;
  if (name === 'InternalError' && /out of memory|stack overflow/.test(message))
    return new CodedError('MEMORY_LIMIT', 'the plugin used more memory than it may');
  return new CodedError(code, `the plugin threw ${name === '' ? '' : `${name}: `}${message}`);
}

/**
 * Name and message of what was thrown. The VM reads them, within the limits of the call: getters, proxies and conversions of a thrown value
 * are the plugin's own code.
 */
function describe({ context, prelude }: BareVm, thrown: QuickJSHandle): [name: string, message: string] | undefined {
  const fn = context.getProp(prelude, 'describe');
  const result = context.callFunction(fn, context.undefined, thrown);
  fn.dispose();
  const answer = result.error ?? result.value;
  try {
    if (result.error !== undefined) return undefined;
    const [name = '', ...message] = context.getString(answer).split('\n');
    return [name, message.join('\n')];
  } finally {
    answer.dispose();
  }
}
