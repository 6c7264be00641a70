import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { SHELLS } from './completion.js';
import { createProgram } from './program.js';
import { runCommand } from './run-command.js';

let folder: string;
let printed = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-cli-'));
  const keep = (text: unknown): boolean => ((printed += `${String(text)}\n`), true);
  for (const stream of ['log', 'error'] as const) vi.spyOn(console, stream).mockImplementation(keep);
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockImplementation(keep);
});
afterEach(() => {
  printed = '';
});
afterAll(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const run = (...argv: string[]) => runCommand(argv, { SLUICE_DATA: join(folder, 'data'), SLUICE_URL: 'http://127.0.0.1:9' });

/** Every command and subcommand, as words. */
function commandsOf(command: Command, path: readonly string[] = []): string[][] {
  return [[...path], ...command.commands.flatMap((sub) => commandsOf(sub, [...path, sub.name()]))];
}
const COMMANDS = commandsOf(createProgram({}, () => undefined));

describe('the command line', () => {
  it.each(COMMANDS.map((words) => [words.join(' '), words] as const))("explains 'sluice %s' and does nothing", async (_, words) => {
    expect(await run(...words, '--help')).toBe(0);
    expect(printed).toMatch(new RegExp(`^Usage: sluice ${words.join(' ')}`));
    expect(printed).not.toMatch(/"secret"|privateJwk|^ready/m);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each(COMMANDS.map((words) => [words.join(' '), words] as const))(
    "refuses an unknown flag of 'sluice %s' in one line",
    async (_, words) => {
      expect(await run(...words, '--nope')).toBe(2);
      expect(printed.trim()).toMatch(/^sluice: (unknown option '--nope'|required option .*|missing required argument .*)/);
      expect(printed.trim().split('\n')).toHaveLength(1);
      expect(await readdir(folder)).toEqual([]);
    },
  );

  it('prints its version', async () => {
    expect(await run('--version')).toBe(0);
    expect(printed.trim()).toMatch(/^\d+\.\d+\.\d+/);
  });

  it.each([
    [['start', 'gatewayx'], /'gatewayx'.*gateway, worker, subgraph, plugin-host/],
    [['start', 'subgraph'], /tenants, files, plugins, operations/],
    [['start', 'subgraph', 'users'], /'users'.*tenants, files, plugins, operations/],
    [['start', 'worker', 'files'], /'files'/],
    [['token', '--user', 'carol'], /'carol'.*admin, operator, viewer, alice, bob/],
    [['token', '--user', 'alice', '--ttl', '-1'], /expected whole seconds/],
    [['token'], /--user/],
    [['frobnicate'], /'frobnicate'/],
    [['plugin', 'frobnicate'], /'frobnicate'/],
    [['keys', 'more'], /too many arguments/],
    [['completion', 'tcsh'], /'tcsh'.*bash, zsh, fish/],
  ])('refuses %j, naming what may stand there', async (argv, message) => {
    expect(await run(...argv)).toBe(2);
    expect(printed.trim()).toMatch(message);
    expect(printed.trim()).toMatch(/^sluice: /);
    expect(printed.trim().split('\n').length).toBeLessThanOrEqual(2);
  });

  it.each([
    [['compose', '--config', 'FOLDER/none.yaml']],
    [['compose', '--config', 'FOLDER']],
    [['check', '--against', 'FOLDER/none.graphql']],
    [['plugin', 'pack', 'FOLDER/none']],
    [['plugin', 'sign', 'FOLDER/none.tgz', '--key', 'FOLDER/none.json']],
    [['plugin', 'publish', 'FOLDER/none.tgz']],
    [['plugin', 'keygen', '--publisher', 'acme', '--out', 'FOLDER/none/key.json']],
  ])('names the missing file of %j in one sentence', async (argv) => {
    const named = argv.map((word) => word.replace('FOLDER', folder));
    expect(await run(...named)).toBe(2);
    expect(printed.trim()).toMatch(new RegExp(`^sluice: .*${folder}.*\\((BAD_USER_INPUT|CONFIG_INVALID)\\)$`));
    expect(printed.trim().split('\n')).toHaveLength(1);
  });

  it('names every wrong setting before anything is started, each once', async () => {
    const env = { SLUICE_DATA: join(folder, 'data'), PORT: 'abc', ADMIN_PORT: '99999', TEMPORAL_ADDRESS: 'nowhere', SLUICE_AUTH: 'maybe' };
    expect(await runCommand(['start'], env)).toBe(2);
    for (const name of ['PORT', 'ADMIN_PORT', 'TEMPORAL_ADDRESS', 'SLUICE_AUTH'])
      expect(printed.match(new RegExp(`(: |· )${name}: `, 'g'))).toHaveLength(1);
    expect(printed.trim().split('\n')).toHaveLength(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('does not overwrite a key, and does not repeat what is in a file that is none', async () => {
    const file = join(folder, 'key.json');
    await writeFile(file, '{"secret of": somebody');
    expect(await run('plugin', 'keygen', '--publisher', 'acme', '--out', file)).toBe(2);
    expect(printed).toContain('it exists already');
    printed = '';
    expect(await run('plugin', 'sign', file, '--key', file)).toBe(2);
    expect(printed).not.toContain('somebody');
    await rm(file);
  });

  it('warns before it publishes a package that nobody can install', async () => {
    const file = join(folder, 'qr.tgz');
    expect(await run('plugin', 'pack', 'examples/plugins/qr-code', '--out', file)).toBe(0);
    printed = '';
    await run('plugin', 'publish', file);
    expect(printed).toMatch(/^sluice: warning: .*qr\.tgz is not signed/);
    await rm(file);
  });
});

describe('completion', () => {
  it.each(SHELLS)('offers every command in %s', async (shell) => {
    expect(await run('completion', shell)).toBe(0);
    for (const words of COMMANDS) if (words.length > 0) expect(printed).toContain(words.at(-1));
  });

  it.each([
    ['sluice ', ['start', 'token', 'plugin', 'completion']],
    ['sluice sta', ['start']],
    ['sluice start ', ['gateway', 'worker', 'subgraph', 'plugin-host']],
    ['sluice token --', ['--user', '--ttl', '--help']],
    ['sluice token --user ', ['admin', 'alice']],
    ['sluice plugin ', ['keygen', 'pack', 'sign', 'publish']],
    ['sluice plugin keygen --p', ['--publisher']],
  ])('completes %j in bash', async (line, expected) => {
    await run('completion', 'bash');
    const words = line.split(' ');
    const script = `${printed}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _sluice; echo "\${COMPREPLY[@]}"`;
    const offered = execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split(' ');
    expect(offered).toEqual(expect.arrayContaining(expected));
    for (const word of offered) expect(word.startsWith(words.at(-1) as string)).toBe(true);
  });
});
