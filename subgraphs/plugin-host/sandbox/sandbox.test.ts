import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox, type SandboxRequest } from './create-sandbox.js';

let sandbox: Sandbox | undefined;
afterEach(() => sandbox?.close());

async function load(body: string): Promise<Sandbox> {
  sandbox = await createSandbox({
    source: `export default { resolvers: { Query: { f(parent, args) { ${body} }, ok: () => 'still here' } } };`,
  });
  return sandbox;
}
const call = (field = 'f', args = {}, request: SandboxRequest = {}) =>
  (sandbox as Sandbox).call({ type: 'Query', field, parent: { id: 'p' }, args }, request);
const countThreads = (): number => readdirSync('/proc/self/task').length;

describe('a plugin in its sandbox', () => {
  it('gets parent and arguments and answers JSON, also asynchronously', async () => {
    const { resolvers } = await load('return Promise.resolve({ id: parent.id, twice: args.n * 2 });');
    expect(resolvers).toEqual(['Query.f', 'Query.ok']);
    expect(await call('f', { n: 21 })).toEqual({ id: 'p', twice: 42 });
  });

  it.each([
    ['an endless loop', 'for (;;);', 'CPU_LIMIT'],
    ['a regular expression that explodes', 'return /^(a+)+$/.test("a".repeat(40) + "!");', 'CPU_LIMIT'],
    ['a native loop without interrupts', 'return new Array(3e8).join("x").length;', 'CPU_LIMIT'],
    ['a promise that never settles', 'return new Promise(() => {});', 'CPU_LIMIT'],
    ['an endless chain of jobs', 'const next = () => Promise.resolve().then(next); return next();', 'CPU_LIMIT'],
    ['a memory hog', 'const a = []; for (;;) a.push("x".repeat(1e6) + a.length);', /MEMORY_LIMIT|CPU_LIMIT/],
    ['endless recursion', 'const g = () => 1 + g(); return g();', /MEMORY_LIMIT|PLUGIN_ERROR/],
    ['too much output', 'return "x".repeat(300000);', 'OUTPUT_LIMIT'],
    ['a cycle', 'const o = {}; o.o = o; return o;', 'PLUGIN_ERROR'],
    ['a key __proto__', 'return JSON.parse(\'{"__proto__": {"polluted": 1}}\');', 'RESULT_INVALID'],
    ['a throw', 'throw new Error("my own fault");', 'PLUGIN_ERROR'],
    ['an import of a module', 'return import("node:fs");', 'PLUGIN_ERROR'],
  ])('is held back from %s, and lives on', async (_, body, code) => {
    await load(body);
    await expect(call()).rejects.toMatchObject({ code: typeof code === 'string' ? code : expect.stringMatching(code) });
    expect(await call('ok')).toBe('still here');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it.each(['process', 'require', 'fetch', 'setTimeout', 'WebAssembly', 'Worker', 'Deno'])('knows no %s', async (name) => {
    await load(`return typeof globalThis[args.name] + typeof [].constructor.constructor("return this." + args.name)();`);
    expect(await call('f', { name })).toBe('undefinedundefined');
  });

  it('cannot change what the host calls', async () => {
    await load('JSON.stringify = () => "forged"; Promise.prototype.then = () => "forged"; return "mine";');
    expect([await call().catch(() => 'refused'), await call('ok').catch(() => 'refused')].filter((answer) => answer === 'forged')).toEqual(
      [],
    );
  });

  it('serves eight requests at once and refuses the ninth', async () => {
    await load('return 1;');
    const answers = await Promise.allSettled(Array.from({ length: 9 }, () => call('ok')));
    expect(answers.map(({ status }) => status)).toEqual([...Array.from({ length: 8 }, () => 'fulfilled'), 'rejected']);
    expect(answers[8]).toMatchObject({ reason: { code: 'CONCURRENCY_LIMIT' } });
    expect(await call('ok')).toBe('still here');
  });

  it('answers every call of one request, however many, in turn with those of other requests', async () => {
    await load('return args.n;');
    const order: string[] = [];
    const ask = async (name: string, request: SandboxRequest, n: number) => {
      expect(await call('f', { n }, request)).toBe(n);
      order.push(name);
    };
    const [list, single] = [{}, {}];
    await Promise.all([...Array.from({ length: 500 }, (_, n) => ask('list', list, n)), ask('single', single, 1)]);
    expect(order).toHaveLength(501);
    expect(order.indexOf('single')).toBeLessThan(3);
  });

  it('leaves out calls of a request whose caller has left', async () => {
    await load('globalThis.n = (globalThis.n ?? 0) + 1; return globalThis.n;');
    const caller = new AbortController();
    const request = { signal: caller.signal };
    const calls = Promise.allSettled(Array.from({ length: 20 }, () => call('f', {}, request)));
    caller.abort();
    expect((await calls).filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
    expect(await call()).toBeLessThanOrEqual(2);
  });

  it('fails only the call that hangs; those behind it run in the next thread', async () => {
    await load('if (args.hang) return new Array(3e8).join("x").length; return args.n;');
    const answers = await Promise.allSettled([call('f', { hang: true }), ...[1, 2, 3].map((n) => call('f', { n }))]);
    expect(answers).toMatchObject([{ reason: { code: 'CPU_LIMIT' } }, { value: 1 }, { value: 2 }, { value: 3 }]);
  });

  it('refuses what is asked of it once it is closed, and what it was doing', async () => {
    await load('for (;;);');
    const threads = countThreads();
    const running = Promise.allSettled([call(), call('ok')]);
    await (sandbox as Sandbox).close();
    expect(await running).toMatchObject([{ reason: { code: 'PLUGIN_REMOVED' } }, { reason: { code: 'PLUGIN_REMOVED' } }]);
    await expect(call('ok')).rejects.toMatchObject({ code: 'PLUGIN_REMOVED' });
    expect(countThreads()).toBeLessThan(threads);
  });

  it.each([
    ['throws at load', 'throw new Error("no"); export default {};', 'LOAD_FAILED'],
    ['is not a module', 'export default {', 'LOAD_FAILED'],
    ['loops at load', 'for (;;); export default {};', 'CPU_LIMIT'],
    ['hides its resolvers', 'Array.prototype.toJSON = () => undefined; export default {};', 'LOAD_FAILED'],
    ['lacks a global', 'const u = new URL("x:"); export default {};', 'LOAD_FAILED'],
  ])('is not loaded when it %s', async (_, source, code) => {
    await expect(createSandbox({ source })).rejects.toMatchObject({ code });
  });
});

/** What a plugin may throw so that reading it runs code, fails, or takes for ever. */
const THROWN: readonly [string, string][] = [
  ['names that are no text', 'throw { name: { toString: 1, valueOf: 1 }, message: { toString: 1 } };'],
  ['a name that cannot be converted', 'throw { name: Symbol("s"), message: 10n };'],
  ['a getter that throws', 'throw { get name() { throw this; } };'],
  ['a getter that loops', 'throw { get message() { for (;;); } };'],
  ['a proxy that throws', 'throw new Proxy({}, { get() { throw 1; }, ownKeys() { throw 2; }, getPrototypeOf() { throw 3; } });'],
  ['a proxy that loops', 'throw new Proxy({}, { get() { for (;;); } });'],
  ['a message without end', 'throw new Error("x".repeat(8e6));'],
  ['toJSON that loops', 'throw { toJSON() { for (;;); } };'],
  ['a cycle', 'const o = {}; o.o = o; throw o;'],
  ['a symbol', 'throw Symbol("s");'],
  ['a function', 'throw () => { for (;;); };'],
  ['a revoked proxy', 'const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy;'],
  ['nothing', 'throw undefined;'],
  ['null', 'throw null;'],
  ['a rejected promise of one of them', 'return Promise.reject({ name: { toString: 1, valueOf: 1 } });'],
  ['an error that says it is ours', 'throw { name: "InternalError", message: "interrupted" };'],
];

describe.runIf(process.platform === 'linux')('the threads of a plugin', () => {
  it.each(THROWN)('stay one when it throws %s', async (_, body) => {
    await load(body);
    const threads = countThreads();
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => call()));
    for (const answer of answers) {
      expect(answer).toMatchObject({ reason: { code: expect.stringMatching(/^(PLUGIN_ERROR|CPU_LIMIT)$/) as string } });
      expect(String((answer as PromiseRejectedResult).reason).length).toBeLessThan(600);
    }
    expect(await call('ok')).toBe('still here');
    expect(countThreads()).toBe(threads);
  });

  it('stay one over a thousand calls that throw, hang, run full and answer', async () => {
    await load(`
      if (args.n % 500 === 7) return new Array(3e8).join("x").length;
      if (args.n % 500 === 9) { globalThis.kept = []; for (;;) globalThis.kept.push("x".repeat(1e6) + globalThis.kept.length); }
      if (args.n % 2) throw { name: { toString: 1, valueOf: 1 } };
      return args.n;`);
    const threads = countThreads();
    const requests = Array.from({ length: 8 }, () => ({}));
    const answers = await Promise.allSettled(Array.from({ length: 1_000 }, (_, n) => call('f', { n }, requests[n % 8])));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(500);
    expect(await call('ok')).toBe('still here');
    expect(countThreads()).toBe(threads);
  });
});
