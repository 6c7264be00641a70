// What the product says of itself on `/metrics`.
import { request } from 'undici';

export async function readMetrics(adminUrl: string): Promise<string> {
  const { body } = await request(`${adminUrl}/metrics`);
  return body.text();
}

/** @throws when the metric is not there */
export async function readGauge(adminUrl: string, name: string): Promise<number> {
  const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(await readMetrics(adminUrl))?.[1];
  if (found === undefined) throw new Error(`${name} is not among the metrics`);
  return Number(found);
}

/** Observations at most `le` seconds, by `le`, since the start. */
export type Buckets = ReadonlyMap<number, number>;

export async function readHistogram(adminUrl: string, name: string): Promise<Buckets> {
  const lines = (await readMetrics(adminUrl)).matchAll(new RegExp(`^${name}_bucket\\{le="(\\S+)"\\} (\\d+)$`, 'gm'));
  return new Map([...lines].map(([, le, count]) => [le === '+Inf' ? Infinity : Number(le), Number(count)]));
}

/** The smallest bound below which a part `q` of what was observed between two readings lies; seconds. */
export function quantileBound(before: Buckets, after: Buckets, q: number): number {
  const total = (after.get(Infinity) ?? 0) - (before.get(Infinity) ?? 0);
  for (const [le, count] of after) if (count - (before.get(le) ?? 0) >= total * q) return le;
  return Infinity;
}
