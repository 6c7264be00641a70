// A graphql-ws server in a process of its own, so that a test can kill it. It plays the events of one operation from the
// given cursor on, one each PACE_MS, and says on stdout where each subscription began.
import { createServer } from 'node:http';
import { buildSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocketServer } from 'ws';

const say = (fact) => process.stdout.write(`${JSON.stringify(fact)}\n`);
const [port, total, paceMs] = process.argv.slice(2).map(Number);
const schema = buildSchema(`
  interface OperationEventFields { cursor: String! seq: Int! at: String! }
  union OperationEvent = StepProgressed | OperationCompleted
  type StepProgressed implements OperationEventFields { cursor: String! seq: Int! at: String! step: ID! label: String! completed: Int! total: Int detail: String }
  type OperationCompleted implements OperationEventFields { cursor: String! seq: Int! at: String! }
  type Query { ok: Boolean }
  type Subscription { operationEvents(id: ID!, after: String): OperationEvent! }
`);

async function* operationEvents({ after }) {
  say({ subscribed: after ?? null });
  for (let seq = after == null ? 1 : Number(after) + 1; seq <= total; seq += 1) {
    await pause(paceMs);
    const event = { cursor: String(seq), seq, at: new Date().toISOString() };
    const progressed = { __typename: 'StepProgressed', ...event, step: 'work', label: 'Work', completed: seq, total };
    yield { operationEvents: seq === total ? { __typename: 'OperationCompleted', ...event } : progressed };
  }
}

const http = createServer();
useServer(
  { schema, roots: { subscription: { operationEvents } }, validate: () => [] },
  new WebSocketServer({ server: http, path: '/graphql' }),
);
http.listen(port, '127.0.0.1', () => say({ listening: http.address().port }));
