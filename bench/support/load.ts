// Closed-loop load: so many callers, each with one request at a time, for so many operations or milliseconds.
import { Agent, request } from 'undici';

export interface LoadOptions {
  url: string;
  callers: number;
  /** Ends after this many answers … */
  operations?: number;
  /** … or this time, whichever comes first. */
  durationMs?: number;
  /** The body of the n-th request. */
  body: (n: number) => string;
}

export interface LoadFigures {
  operations: number;
  seconds: number;
  /** Milliseconds. */
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** @throws at the first answer that is no 200 or holds errors */
export async function load({ url, callers, operations = Infinity, durationMs = Infinity, body }: LoadOptions): Promise<LoadFigures> {
  const agent = new Agent({ connections: callers, pipelining: 1 });
  const times: number[] = [];
  const startedAt = performance.now();
  let started = 0;
  try {
    await Promise.all(
      Array.from({ length: callers }, async () => {
        while (started < operations && performance.now() - startedAt < durationMs) {
          const sentAt = performance.now();
          await ask(url, body(started++), agent);
          times.push(performance.now() - sentAt);
        }
      }),
    );
  } finally {
    await agent.close();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    operations: times.length,
    seconds,
    p50: quantile(times, 0.5),
    p95: quantile(times, 0.95),
    p99: quantile(times, 0.99),
    max: quantile(times, 1),
  };
}

/** @returns the answer's text. @throws when it is no 200 or holds errors */
export async function ask(url: string, body: string, dispatcher?: Agent): Promise<string> {
  const answer = await request(url, {
    method: 'POST',
    ...(dispatcher === undefined ? {} : { dispatcher }),
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body,
  });
  const text = await answer.body.text();
  if (answer.statusCode !== 200 || text.includes('"errors":'))
    throw new Error(`${url} answered ${answer.statusCode}: ${text.slice(0, 300)}`);
  return text;
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
