// From the workflow's own time of an event to the client that follows it by WebSocket.
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { packPlugin } from '#cli/plugin/pack';
import { writePackage } from '#platform/plugin-package/archive';
import { signIn } from '#tests/support/graphql-client';
import { median, quantile } from '../support/load.js';
import { ROOT, startSluice } from '../support/processes.js';
import { report } from '../support/report.js';

const INSTALLATIONS = 30;

export async function measureEvents(): Promise<void> {
  const sluice = await startSluice({});
  const { url } = sluice;
  const admin = await signIn(url, 'admin');
  const name = '@sluice/bench';
  const files = new Map(await packPlugin(`${ROOT}/examples/plugins/qr-code`));
  files.set('plugin.json', Buffer.from((files.get('plugin.json') as Buffer).toString('utf8').replace('@sluice/qr-code', name)));
  // Unsigned: each installation runs two steps, fails, and is compensated.
  const published = await admin.query('mutation($p: Base64!) { publishPluginVersion(input: { package: $p }) { userErrors { message } } }', {
    p: (await writePackage(files)).toString('base64'),
  });
  if (published.errors !== undefined) throw new Error(JSON.stringify(published.errors));
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { token: admin.token },
  });
  const delays: number[] = [];
  for (let n = 0; n < INSTALLATIONS; n++) {
    const { data: started } = await admin.query(
      'mutation($name: String!) { installPlugin(input: { name: $name }) { operation { id } userErrors { message } } }',
      { name },
    );
    const { operation } = started?.['installPlugin'] as { operation: { id: string } };
    const query = 'subscription($id: ID!) { operationEvents(id: $id) { __typename ... on OperationEventFields { at } } }';
    for await (const { data: next } of client.iterate<{ operationEvents: { at: string } }>({ query, variables: { id: operation.id } })) {
      if (next != null) delays.push(Date.now() - Date.parse(next.operationEvents.at));
    }
  }
  await client.dispose();
  const [p50, p95] = [median(delays), quantile(delays, 0.95)];
  console.log(`  ${delays.length} events, from the workflow's own time to the client: p50 ${p50} ms, p95 ${p95} ms`);
  report('event to WebSocket client, p50 in ms', p50, 'at most', 50);
  report('event to WebSocket client, p95 in ms', p95, 'at most', 150);
  await sluice.stop();
}
