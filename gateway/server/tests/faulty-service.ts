// Every way in which a service can fail its callers over HTTP, and what callers are told.
import type { RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { ErrorCode } from '#schema/contracts/errors';

export interface Fault {
  name: string;
  code: ErrorCode;
  /** Of a root field, where it differs. */
  rootCode?: ErrorCode;
  /** Ends by the time limit, not before. */
  takesAllTime?: true;
  behave: RequestListener;
}

const BLOCK = Buffer.alloc(64 * 1024, ' ');
/** 200 KB that unfold into 200 MB. */
const BOMB = gzipSync(Buffer.alloc(200 * 1024 * 1024, ' '));

/** The good service's things, to which the faulty one adds `size`. */
export const FAULTY_SERVICES = {
  good: 'type Query { ping: String  things: [Thing!] } type Thing @key(fields: "id") { id: ID! }',
  faulty: 'type Query { total: Int } type Thing @key(fields: "id") { id: ID!  size: Int }',
};

export const FAULTS: readonly Fault[] = [
  { name: 'hangs', code: 'SUBGRAPH_TIMEOUT', takesAllTime: true, behave: (request) => void request.resume() },
  {
    name: 'drips',
    code: 'SUBGRAPH_TIMEOUT',
    takesAllTime: true,
    behave(request, response) {
      request.resume();
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{');
      const drip = setInterval(() => response.write(' '), 1_000);
      response.once('close', () => clearInterval(drip));
    },
  },
  { name: 'hangs up', code: 'SUBGRAPH_UNREACHABLE', behave: (request) => void request.socket.destroy() },
  {
    name: 'hangs up in mid-answer',
    code: 'SUBGRAPH_UNREACHABLE',
    behave(request, response) {
      request.resume();
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"data":', () => request.socket.destroy());
    },
  },
  { name: 'answers HTML', code: 'SUBGRAPH_BAD_ANSWER', behave: answering('<html>hello</html>', 200, { 'content-type': 'text/html' }) },
  { name: 'answers half a JSON text', code: 'SUBGRAPH_BAD_ANSWER', behave: answering('{"data":{"_entities":[{"si') },
  { name: 'answers something else', code: 'SUBGRAPH_BAD_ANSWER', behave: answering('{"data":["not","an","object"]}') },
  {
    name: 'answers in a wrong shape',
    code: 'SUBGRAPH_BAD_ANSWER',
    rootCode: 'INVALID_RESPONSE',
    behave: answering('{"data":{"_entities":"no list","total":{}}}'),
  },
  {
    name: 'streams 50 MB',
    code: 'SUBGRAPH_ANSWER_TOO_LARGE',
    behave(request, response) {
      request.resume();
      let left = (50 * 1024 * 1024) / BLOCK.length;
      const pump = (): void => {
        while (left-- > 0) if (!response.write(BLOCK)) return void response.once('drain', pump);
        response.end();
      };
      pump();
    },
  },
  {
    name: 'sends a gzip bomb',
    code: 'SUBGRAPH_ANSWER_TOO_LARGE',
    behave: answering(BOMB, 200, { 'content-encoding': 'gzip', 'content-type': 'application/json' }),
  },
  { name: 'redirects', code: 'SUBGRAPH_BAD_ANSWER', behave: answering('', 307, { location: '/elsewhere' }) },
  { name: 'answers 429', code: 'SUBGRAPH_UNAVAILABLE', behave: answering('slow down', 429, { 'retry-after': '3' }) },
  { name: 'answers 500', code: 'SUBGRAPH_BAD_ANSWER', behave: answering('<html>Error: at /srv/app.js</html>', 500) },
];

function answering(body: string | Buffer, status = 200, headers: Record<string, string> = {}): RequestListener {
  return (request, response) => {
    request.resume();
    response.writeHead(status, headers).end(body);
  };
}
