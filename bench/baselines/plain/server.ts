// The plain implementation's front: any POST runs the workflow and answers with its result. Environment: TEMPORAL_ADDRESS.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';

const client = new Client({ connection: await Connection.connect({ address: process.env['TEMPORAL_ADDRESS'] as string }) });
const server = createServer((request, response) => {
  request.resume();
  client.workflow
    .execute<() => Promise<object>>('productsWithReviews', { taskQueue: 'bench-plain', workflowId: `products/${randomUUID()}` })
    .then(
      (data) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data })),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
});
server.listen(0, '127.0.0.1', () => console.log(`ready ${(server.address() as AddressInfo).port}`));
