// Nothing secret stays where it must not: tokens, keys and what callers send, in Temporal's files and in what processes print.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '#tests/support/eventually';
import { type Caller, signIn } from '#tests/support/graphql-client';
import { findFreePorts, makeDataFolder, type SluiceProcess, startSluice } from '#tests/support/sluice-process';

const PLANTED = {
  environment: 'planted-environment-8d1f0c5e2a',
  variable: 'planted-variable-4be7a90d13',
  literal: 'planted-literal-c26f81e7b5',
  header: 'planted-header-77a0e3d94c',
};

let data: Awaited<ReturnType<typeof makeDataFolder>>;
let sluice: SluiceProcess;
let secrets: Map<string, string>;
let exposed: Map<string, string>;

beforeAll(async () => {
  data = await makeDataFolder();
  const [port, admin, temporal, ui] = (await findFreePorts(4)).map(String) as [string, string, string, string];
  sluice = startSluice(['start'], {
    SLUICE_DATA: data.path,
    PORT: port,
    ADMIN_PORT: admin,
    TEMPORAL_PORT: temporal,
    TEMPORAL_UI_PORT: ui,
    LOG_LEVEL: 'trace',
    DATABASE_PASSWORD: PLANTED.environment,
  });
  await sluice.waitFor(/^ready$/m, 90_000);
  const url = `http://127.0.0.1:${port}`;
  const [alice, root] = [await signIn(url, 'alice'), await signIn(url, 'admin')];
  await work(alice, root);
  const metrics = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
  secrets = new Map(Object.entries({ ...PLANTED, 'token of alice': alice.token, 'token of admin': root.token }));
  for (const [name, value] of readLeaves(JSON.parse(await readFile(join(data.path, 'keys.json'), 'utf8')))) secrets.set(name, value);
  // The database closes its journal: what it holds lies in files then.
  await sluice.stop();
  exposed = new Map([
    ['output', sluice.output],
    ['metrics', metrics],
  ]);
  for (const file of await readdir(data.path, { withFileTypes: true, recursive: true }))
    if (file.isFile() && /temporal/.test(file.name)) exposed.set(file.name, await readFile(join(file.parentPath, file.name), 'latin1'));
});
afterAll(async () => {
  await sluice.stop();
  await data.remove();
});

/** Every way in that a secret could take: direct and durable, answers and failures, HTTP and WebSocket, a plugin's lifecycle. */
async function work(alice: Caller, admin: Caller): Promise<void> {
  const headers = { 'x-api-key': PLANTED.header };
  const variables = { name: PLANTED.variable };
  for (const document of [
    'query($name: String!) { plugin(name: $name) { name } }',
    'query($name: String!) { plugin(name: $name) { name } files(first: 1) { nodes { name tenant { name } } } }',
    `{ plugin(name: "${PLANTED.literal}") { name } files(first: 1) { nodes { name tenant { name } } } }`,
    'query($name: ID!) { file(id: $name) { name tenant { name } } plugins { totalCount } }',
    'mutation($name: String!) { a: installPlugin(input: { name: $name }) { userErrors { code } } b: installPlugin(input: { name: $name }) { userErrors { code } } }',
  ]) {
    await alice.query(document, variables, headers);
    await admin.query(document, variables, headers);
  }
  const { operation } = (await admin.query('mutation { installPlugin(input: { name: "@sluice/qr-code" }) { operation { id } } }')).data?.[
    'installPlugin'
  ] as { operation: { id: string } };
  const client = createClient({
    url: `${admin.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { token: admin.token },
  });
  const events = client.iterate({ query: `subscription { operationEvents(id: "${operation.id}") { __typename } }` });
  for await (const { errors } of events) if (errors !== undefined) throw new Error(JSON.stringify(errors));
  await client.dispose();
  await eventually(
    async () => (await admin.query('query($id: ID!) { operation(id: $id) { status } }', operation)).data?.['operation'].status as string,
    (status) => status === 'COMPLETED',
  );
}

/** Strings of 20 characters and more: key material, not names. */
function readLeaves(value: unknown, path = 'key'): [string, string][] {
  if (typeof value === 'string') return value.length >= 20 ? [[path, value]] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => (name === 'publicJwk' ? [] : readLeaves(inner, `${path}.${name}`)));
}

/** As it is, in hex, and in base64 wherever in a longer text it begins. */
function toForms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].flatMap((offset) => {
    const whole = Buffer.concat([Buffer.alloc(offset), bytes]);
    // Characters at both ends depend on the neighbours.
    return (['base64', 'base64url'] as const).map((form) =>
      whole
        .toString(form)
        .replace(/=+$/, '')
        .slice(offset === 0 ? 0 : offset + 1, -2),
    );
  });
  return [secret, bytes.toString('hex'), ...base64];
}

it('leaves no secret in files of Temporal, output or metrics, in whatever form', () => {
  expect([...exposed.keys()]).toEqual(expect.arrayContaining(['output', 'metrics', 'temporal.db']));
  expect(exposed.get('temporal.db')).toContain('multi_service_orchestration_workflow');
  expect(exposed.get('output')).toContain('plugin_installation_workflow');
  expect([...secrets.keys()].filter((name) => name.startsWith('key.')).length).toBeGreaterThan(2);

  const hits = [...exposed].flatMap(([where, text]) =>
    [...secrets].filter(([, secret]) => toForms(secret).some((form) => text.includes(form))).map(([name]) => `${name} in ${where}`),
  );
  expect(hits).toEqual([]);
});
