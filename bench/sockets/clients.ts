// Many WebSockets of one process, one subscription each. Arguments: the gateway's WebSocket address, how many.
// Prints `ready` and its address when all are acknowledged; a GET there answers with the delays of all events since the last one, in ms.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';

const OPENING_AT_ONCE = 50;
const SUBSCRIBE = JSON.stringify({ id: '1', type: 'subscribe', payload: { query: 'subscription { beat { number at } }' } });

const [url, count] = process.argv.slice(2) as [string, string];
let delays: number[] = [];
let lost = 0;

/** The protocol by hand: a client library's own state would be measured with it. */
async function open(): Promise<void> {
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => socket.send('{"type":"connection_init"}'));
    socket.once('error', reject);
    socket.once('close', (code) => reject(new Error(`closed with ${code}`)));
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString('utf8')) as { type: string; payload?: { data?: { beat: { at: number } } } };
      switch (message.type) {
        case 'connection_ack':
          socket.send(SUBSCRIBE);
          return resolve();
        case 'ping':
          return socket.send('{"type":"pong"}');
        case 'next': {
          const at = message.payload?.data?.beat.at;
          if (at === undefined) lost += 1;
          else delays.push(Date.now() - at);
          return;
        }
        default:
          lost += 1;
      }
    });
  });
  socket.on('close', () => (lost += 1));
}

let left = Number(count);
await Promise.all(
  Array.from({ length: OPENING_AT_ONCE }, async () => {
    while (left-- > 0) await open();
  }),
);
const server = createServer((_, response) => {
  response.end(JSON.stringify({ delays, lost }));
  delays = [];
});
server.listen(0, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}/`));
