// `Prefer` of RFC 7240: `respond-async` and `wait=<seconds>`; what else it says is ignored, as the RFC wants.

export interface Preference {
  respondAsync: boolean;
  /** How long the caller wants to wait for a run; null = as long as it takes, or not at all with `respondAsync`. */
  waitMs: number | null;
}

/** A connection that is silent for longer is cut by somebody on the way. */
const MAX_WAIT_SECONDS = 600;

export function parsePrefer(header: string | null): Preference {
  let respondAsync = false;
  let waitMs: number | null = null;
  for (const preference of (header ?? '').split(',')) {
    const [name = '', value = ''] = (preference.split(';', 1)[0] ?? '').split('=').map((part) => part.trim());
    if (name.toLowerCase() === 'respond-async') respondAsync = true;
    // Of a preference given twice the first counts.
    if (name.toLowerCase() === 'wait' && waitMs === null && /^"?\d{1,9}"?$/.test(value))
      waitMs = Math.min(Number(value.replaceAll('"', '')), MAX_WAIT_SECONDS) * 1_000;
  }
  return { respondAsync, waitMs };
}

/** @returns the value of `Preference-Applied`; null when the preference made no difference */
export function toPreferenceApplied({ respondAsync, waitMs }: Preference, path: 'direct' | 'durable' | 'async'): string | null {
  if (path === 'direct') return null;
  const applied = [...(respondAsync && path === 'async' ? ['respond-async'] : []), ...(waitMs === null ? [] : [`wait=${waitMs / 1_000}`])];
  return applied.length === 0 ? null : applied.join(', ');
}
