import { afterEach, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from './create-sandbox.js';

let sandbox: Sandbox | undefined;
afterEach(() => sandbox?.close());

async function load(body: string): Promise<Sandbox> {
  sandbox = await createSandbox({
    source: `export default { resolvers: { Query: { f(parent, args) { ${body} }, ok: () => 'still here' } } };`,
  });
  return sandbox;
}
const call = (field = 'f', args = {}) => (sandbox as Sandbox).call({ type: 'Query', field, parent: { id: 'p' }, args });

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

  it('serves eight calls at once and refuses the ninth', async () => {
    await load('return 1;');
    const answers = await Promise.allSettled(Array.from({ length: 9 }, () => call('ok')));
    expect(answers.map(({ status }) => status)).toEqual([...Array.from({ length: 8 }, () => 'fulfilled'), 'rejected']);
    expect(answers[8]).toMatchObject({ reason: { code: 'CONCURRENCY_LIMIT' } });
  });

  it.each([
    ['throws at load', 'throw new Error("no"); export default {};', 'LOAD_FAILED'],
    ['is not a module', 'export default {', 'LOAD_FAILED'],
    ['loops at load', 'for (;;); export default {};', 'CPU_LIMIT'],
    ['lacks a global', 'const u = new URL("x:"); export default {};', 'LOAD_FAILED'],
  ])('is not loaded when it %s', async (_, source, code) => {
    await expect(createSandbox({ source })).rejects.toMatchObject({ code });
  });
});
