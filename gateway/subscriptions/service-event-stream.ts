// A subscription at a service by server-sent events, each on a connection of its own (graphql-sse, distinct connections).
import { request } from 'undici';
import type { Logger } from '#platform/logger';
import { readAnswer, toServiceErrors } from '../fetching/parse-answer.js';
import { toServiceFacts } from '../fetching/service-error.js';
import { MAX_EVENT_BYTES, StreamError, type StreamCall, type StreamSink, toStreamFault } from './service-stream.js';

const OPEN_TIMEOUT_MS = 5_000;

/** @returns how to leave */
export function openEventStream(call: StreamCall, sink: StreamSink, log: Logger): () => void {
  const left = new AbortController();
  read(call, sink, left.signal, log).catch(() => {
    if (!left.signal.aborted) sink.fail(toStreamFault(call.service, 'SUBGRAPH_UNREACHABLE'));
  });
  return () => left.abort();
}

async function read(
  { service, target, headers: passed, operation, operationName, variables }: StreamCall,
  sink: StreamSink,
  left: AbortSignal,
  log: Logger,
): Promise<void> {
  const facts = toServiceFacts(service, target, log);
  const { statusCode, headers, body } = await request(target.url, {
    method: 'POST',
    headers: { ...passed, 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: operation, variables, ...(operationName === null ? {} : { operationName }) }),
    signal: left,
    headersTimeout: OPEN_TIMEOUT_MS,
    bodyTimeout: 0,
  });
  if (statusCode !== 200 || !String(headers['content-type']).startsWith('text/event-stream')) {
    await body.dump();
    return sink.fail(toStreamFault(service, 'SUBGRAPH_BAD_ANSWER'));
  }
  for await (const { event, data } of readEvents(body as AsyncIterable<Buffer>)) {
    if (event === 'complete') return sink.end();
    if (event !== 'next') continue;
    const result = parse(data);
    const refused = isRefusal(result) ? toServiceErrors(result.errors, facts) : undefined;
    if (refused !== undefined) return sink.fail(new StreamError(refused));
    const found = readAnswer(result, facts);
    if (found === undefined) return sink.fail(toStreamFault(service, 'SUBGRAPH_BAD_ANSWER'));
    sink.push(found, data.length);
  }
  // Without `complete` it is not the end that the service meant.
  sink.fail(toStreamFault(service, 'SUBGRAPH_UNREACHABLE'));
}

interface SentEvent {
  event: string;
  data: string;
}

/** @throws when an event is over the size limit */
export async function* readEvents(chunks: AsyncIterable<Buffer>): AsyncGenerator<SentEvent> {
  const decoder = new TextDecoder();
  let text = '';
  let event = '';
  let data: string[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true });
    // A lone CR may be the first half of a CRLF that is still coming.
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    text = lines.pop() as string;
    for (const line of lines) {
      if (line === '') {
        if (event !== '' || data.length > 0) yield { event: event || 'message', data: data.join('\n') };
        [event, data, bytes] = ['', [], 0];
        continue;
      }
      const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line) as unknown as [string, string, string];
      bytes += value.length;
      if (name === 'event') event = value;
      if (name === 'data') data.push(value);
    }
    if (bytes + text.length > MAX_EVENT_BYTES) throw new Error(`an event is over ${MAX_EVENT_BYTES} bytes`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What could not be subscribed to comes as a result without `data`. */
function isRefusal(result: unknown): result is { errors: unknown } {
  return typeof result === 'object' && result !== null && 'errors' in result && !('data' in result);
}
