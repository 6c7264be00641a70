// A newcomer's first quarter of an hour, with the built product as a real process.
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeys } from '#platform/keys';
import { eventually } from '#tests/support/eventually';
import { type Caller, type GraphQLAnswer, signIn } from '#tests/support/graphql-client';
import { findFreePorts, makeDataFolder, type SluiceProcess, startSluice } from '#tests/support/sluice-process';

const THREE_SERVICES =
  '{ files(first: 5) { nodes { id name size tenant { name plan } owner { name role } folder { name } } } plugins { nodes { name latest { version digest } } } viewer { member { name } } }';
const INSTALL = 'mutation { installPlugin(input: { name: "@sluice/qr-code" }) { operation { id } userErrors { code message } } }';
const STATUS = 'query($id: ID!) { operation(id: $id) { status progress { completed total } errors { code } result temporalUrl } }';

let data: Awaited<ReturnType<typeof makeDataFolder>>;
let env: Record<string, string>;
let url: string;
let sluice: SluiceProcess;

async function start(extra: Record<string, string> = {}): Promise<void> {
  sluice = startSluice(['start'], { ...env, ...extra });
  await sluice.waitFor(/^ready$/m, 90_000);
}

beforeAll(async () => {
  data = await makeDataFolder();
  const [port, admin, temporal, ui] = (await findFreePorts(4)).map(String) as [string, string, string, string];
  env = { SLUICE_DATA: data.path, PORT: port, ADMIN_PORT: admin, TEMPORAL_PORT: temporal, TEMPORAL_UI_PORT: ui };
  url = `http://127.0.0.1:${port}`;
  await start();
});
afterAll(async () => {
  await sluice.stop();
  await data.remove();
});

describe('the first run', () => {
  let alice: Caller;
  let admin: Caller;
  beforeAll(async () => {
    alice = await signIn(url, 'alice');
    admin = await signIn(url, 'admin');
  });

  it('answers a query over three services as one workflow, and one over one service directly', async () => {
    const answer = await alice.query(THREE_SERVICES);
    expect(answer.errors).toBeUndefined();
    expect(answer.data?.['files'].nodes).toHaveLength(5);
    expect(answer.extensions?.operation).toMatchObject({ path: 'durable', reason: 'several-services' });
    const run = await admin.query(STATUS, { id: answer.extensions?.operation?.id });
    expect(run.data?.['operation']).toMatchObject({ status: 'COMPLETED', result: { data: answer.data } });
    const ui = new URL(run.data?.['operation'].temporalUrl as string);
    expect((await fetch(ui.origin)).status).toBe(200);
    expect((await alice.query('{ files(first: 1) { nodes { name } } }')).extensions?.operation).toEqual({
      path: 'direct',
      reason: 'one-service',
    });
  });

  it('serves health, metrics and the console', async () => {
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    expect(await (await fetch(`http://127.0.0.1:${env['ADMIN_PORT']}/metrics`)).text()).toContain('sluice_supergraph_generation');
    const page = await fetch(`${url}/`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it.each([
    ['no token', {}, '{ files { totalCount } }', 401, 'UNAUTHENTICATED'],
    [
      'a forged token',
      { authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c3JfYWRtaW4ifQ.' },
      '{ files { totalCount } }',
      401,
      'UNAUTHENTICATED',
    ],
    ['an unknown field', null, '{ nope }', 200, 'GRAPHQL_VALIDATION_FAILED'],
    ['a syntax error', null, '{ files {', 200, 'GRAPHQL_PARSE_FAILED'],
    ['a wrong argument', null, '{ files(first: 1000) { totalCount } }', 200, 'BAD_USER_INPUT'],
  ])('refuses %s with its code', async (_, headers, query, status, code) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(headers ?? { authorization: `Bearer ${alice.token}` }) },
      body: JSON.stringify({ query }),
    });
    const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
    expect([response.status, errors[0]?.extensions.code]).toEqual([status, code]);
  });

  it('has the effect of one key once, whichever way each request with it goes', async () => {
    const store = (name: string, headers: Record<string, string> = {}) => {
      const query = 'mutation ($name: String!) { createFile(input: { name: $name, mediaType: "text/plain", content: "aGVsbG8=" }) { id } }';
      return alice.post({ query, variables: { name } }, { 'idempotency-key': 'store-once', ...headers });
    };
    const direct = (await (await store('once.txt')).json()) as GraphQLAnswer;
    expect([direct.errors, direct.extensions?.operation?.path]).toEqual([undefined, 'direct']);
    const inRun = (await (await store('once.txt', { prefer: 'respond-async, wait=30' })).json()) as GraphQLAnswer;
    expect([inRun.data, inRun.extensions?.operation?.path]).toEqual([direct.data, 'async']);
    const { data: found } = await alice.query('{ files(filter: { nameContains: "once.txt" }) { nodes { id } } }');
    expect(found?.['files'].nodes).toEqual([direct.data?.['createFile']]);
    expect((await store('other.txt')).status).toBe(422);
    expect((await store('other.txt', { prefer: 'respond-async, wait=30' })).status).toBe(422);
  });

  it('installs a plugin that answers right after, survives a SIGKILL in the middle, and tells every event once from any cursor', async () => {
    const install = async () =>
      (await admin.query(INSTALL, {}, { 'idempotency-key': 'install-qr' })).data?.['installPlugin'] as {
        operation: { id: string };
        userErrors: unknown[];
      };
    const { operation, userErrors } = await install();
    expect(userErrors).toEqual([]);
    await eventually(
      async () => (await admin.query(STATUS, operation)).data?.['operation'].progress.completed as number,
      (completed) => completed >= 2,
    );
    await sluice.kill();
    await start();
    expect(sluice.output).toContain('adopted the Temporal server');
    admin = await signIn(url, 'admin');
    // Whoever lost the acknowledgement asks again, now and when it is installed.
    expect(await install()).toEqual({ operation, userErrors: [] });
    await eventually(
      async () => (await admin.query(STATUS, operation)).data?.['operation'] as { status: string; errors: unknown[] },
      ({ status, errors }) => {
        if (status === 'FAILED') throw new Error(JSON.stringify(errors));
        return status === 'COMPLETED';
      },
      90_000,
    );
    expect(await install()).toEqual({ operation, userErrors: [] });
    const answer = await admin.query('{ files(first: 1) { nodes { shareQr { size svg } } } qrCode(text: "sluice") { size } }');
    expect(answer.errors).toBeUndefined();
    expect(answer.data?.['files'].nodes[0].shareQr.svg).toContain('<svg');

    const all = await collect(admin, operation.id, null);
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
    expect(await collect(admin, operation.id, all[2]?.cursor ?? null)).toEqual(all.slice(3));
    expect(all.at(-1)?.__typename).toBe('OperationCompleted');
  });

  it('gives byte-identical data directly and durably', async () => {
    const texts: string[] = [];
    for (const execution of ['direct', 'durable']) {
      expect(await sluice.stop()).toBe(0);
      await start({ SLUICE_EXECUTION: execution });
      const answer = await (await signIn(url, 'alice')).query(THREE_SERVICES);
      expect(answer.extensions?.operation?.reason).toBe(`forced-${execution}`);
      texts.push(JSON.stringify(answer.data));
    }
    expect(texts[0]).toBe(texts[1]);
  });
});

describe('a start that cannot work', () => {
  let keys: string;
  beforeAll(async () => void (keys = JSON.stringify(await createKeys())));

  it.each<[string, () => Record<string, string>, RegExp]>([
    ['a port that is taken', () => ({ PORT: env['PORT'] as string, TEMPORAL_PORT: '0' }), /PORT_TAKEN|DATA_LOCKED/],
    ['a wrong setting', () => ({ PORT: 'many' }), /PORT: .*got 'many' \(CONFIG_INVALID\)/],
    [
      'Temporal that does not answer',
      () => ({ PORT: '0', ADMIN_PORT: '0', TEMPORAL_ADDRESS: '127.0.0.1:1', SLUICE_KEYS: keys, SLUICE_DATA: `${data.path}/other` }),
      /TEMPORAL_UNAVAILABLE/,
    ],
    [
      'a shared Temporal without keys',
      () => ({ TEMPORAL_ADDRESS: '127.0.0.1:1', SLUICE_DATA: `${data.path}/other` }),
      /SLUICE_KEYS.*CONFIG_INVALID/,
    ],
    ['a data folder in use', () => ({ PORT: '0', ADMIN_PORT: '0' }), /DATA_LOCKED/],
  ])('says in one sentence: %s', async (_, settings, expected) => {
    const failing = startSluice(['start'], { ...env, ...settings() });
    expect(await failing.exited).not.toBe(0);
    const last = failing.output
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('sluice:'));
    expect(last).toHaveLength(1);
    expect(last[0]).toMatch(expected);
  });
});

async function collect(caller: Caller, id: string, after: string | null): Promise<{ __typename: string; seq: number; cursor: string }[]> {
  const client = createClient({
    url: `${caller.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { token: caller.token },
  });
  const query =
    'subscription($id: ID!, $after: String) { operationEvents(id: $id, after: $after) { __typename ... on OperationEventFields { seq cursor } } }';
  const events: { __typename: string; seq: number; cursor: string }[] = [];
  for await (const { data: next, errors } of client.iterate<{ operationEvents: (typeof events)[number] }>({
    query,
    variables: { id, after },
  })) {
    if (errors !== undefined) throw new Error(JSON.stringify(errors));
    if (next != null) events.push(next.operationEvents);
  }
  await client.dispose();
  return events;
}
