// Retry-After of RFC 9110: seconds, or a date.
/** Whoever asks for more gets this: a fault of a service must not hold a run for days. */
export const MAX_RETRY_AFTER_MS = 3_600_000;

const SECONDS = /^\d{1,10}$/;
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** @returns milliseconds from now, 0 to `longestMs`; undefined for anything else than the two forms */
export function parseRetryAfter(
  value: string | readonly string[] | undefined,
  nowMs: number,
  longestMs = MAX_RETRY_AFTER_MS,
): number | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  const ms = SECONDS.test(text) ? Number(text) * 1_000 : HTTP_DATE.test(text) ? Date.parse(text) - nowMs : NaN;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), longestMs);
}
