// 1,000 viewers of one operation that waits: how many readers of its history are there, and do all viewers see the same?
import { createClient } from 'graphql-ws';
import { request } from 'undici';
import { WebSocket } from 'ws';
import { quantile } from '../support/load.js';
import { readGauge } from '../support/metrics.js';
import { makeFolder, script, startMeasured, startSluice } from '../support/processes.js';
import { report } from '../support/report.js';

const SOCKETS = 20;
/** As many as one socket may have. */
const VIEWERS_OF_SOCKET = 50;
const VIEWERS = SOCKETS * VIEWERS_OF_SOCKET;
const READY_WITHIN_MS = 60_000;

interface Event {
  __typename: string;
  at: string;
}

export async function measureViewers(): Promise<void> {
  const folder = await makeFolder();
  const service = await startMeasured(script('bench/sockets/service.ts', folder), { ready: /ready (\S+)/ });
  const sluice = await startSluice({ SLUICE_SUBGRAPHS: `${folder}/supergraph.yaml`, SLUICE_AUTH: 'none' });
  const id = await startWaiting(sluice.url);
  const clients = Array.from({ length: SOCKETS }, () =>
    createClient({ url: `${sluice.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 }),
  );
  const delays: number[] = [];
  let hasAll = false;
  const seen = clients.flatMap((client, socket) =>
    Array.from({ length: VIEWERS_OF_SOCKET }, async (_, n) => {
      // Another name each, so that no two share a stream of the operations service.
      const name = `viewer${socket}x${n}`;
      const query = `subscription($id: ID!) { ${name}: operationEvents(id: $id) { __typename ... on OperationEventFields { at } } }`;
      const events: string[] = [];
      for await (const { data } of client.iterate<Record<string, Event>>({ query, variables: { id } })) {
        const event = data?.[name];
        if (event === undefined) throw new Error('a viewer got no data');
        events.push(event.__typename);
        if (hasAll) delays.push(Date.now() - Date.parse(event.at));
      }
      return events.join();
    }),
  );
  await waitUntilAll(sluice.adminUrl);
  hasAll = true;
  const readers = await readGauge(sluice.adminUrl, 'sluice_operation_readers');
  const polls = await readGauge(sluice.adminUrl, 'sluice_history_polls');
  await (await request(`${service.ready[1]}/release`, { method: 'POST' })).body.dump();
  const told = await Promise.all(seen);
  for (const client of clients) await client.dispose();
  console.log(
    `  ${VIEWERS} viewers of one operation: ${readers} reader, ${polls} long poll; its last events came after p50 ${quantile(delays, 0.5)} ms, p99 ${quantile(delays, 0.99)} ms; each saw ${told[0]}`,
  );
  report('readers and long polls together, viewers served by one of each', readers + polls, 'at most', 2);
  report('viewers that saw the same, to the end', told.filter((events) => events === told[0]).length, 'at least', VIEWERS);
  await sluice.stop();
}

async function startWaiting(url: string): Promise<string> {
  const { body } = await request(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', prefer: 'respond-async' },
    body: JSON.stringify({ query: '{ released }' }),
  });
  return ((await body.json()) as { id: string }).id;
}

async function waitUntilAll(adminUrl: string): Promise<void> {
  for (const untilMs = Date.now() + READY_WITHIN_MS; ;) {
    const now = await readGauge(adminUrl, 'sluice_subscriptions');
    if (now === VIEWERS) return;
    if (Date.now() > untilMs) throw new Error(`${now} of ${VIEWERS} viewers came`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
