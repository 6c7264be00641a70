// Receives the operations' webhooks.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WebhookReceiver {
  url: string;
  /** By operation: the `webhook-id`s that came, each once, and what they said of the end. */
  readonly told: ReadonlyMap<string, { ids: ReadonlySet<string>; statuses: ReadonlySet<string> }>;
  close(): void;
}

export async function receiveWebhooks(): Promise<WebhookReceiver> {
  const told = new Map<string, { ids: Set<string>; statuses: Set<string> }>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { data } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { data: { id: string; status: string } };
      const known = told.get(data.id) ?? { ids: new Set(), statuses: new Set() };
      known.ids.add(String(request.headers['webhook-id']));
      known.statuses.add(data.status);
      told.set(data.id, known);
      response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/told`,
    told,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
