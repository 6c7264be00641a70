// W3C Trace Context. The gateway records no spans, so it hands a caller's position on as it came: a parent of its own that nobody
// recorded would tear the trace.
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { TraceContext } from '#schema/contracts/trace';

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const MAX_STATE_CHARS = 512;
const MAX_STATE_MEMBERS = 32;
const STATE_MEMBER = /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;
const RANDOM = 0b10;
const SAMPLED = 0b01;

/** @returns undefined when no valid `traceparent` came; an invalid `tracestate` is left out */
export function readTrace(headers: IncomingHttpHeaders): TraceContext | undefined {
  const [, version = '', traceId = '', parentId = '', flags = '', more] =
    TRACEPARENT.exec(String(headers['traceparent'] ?? '').trim()) ?? [];
  if (version === '' || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined;
  // Of a later version only what this one knows goes on.
  const known = version === '00' ? flags : toHex(Number.parseInt(flags, 16) & (RANDOM | SAMPLED));
  return { traceparent: `00-${traceId}-${parentId}-${known}`, tracestate: readState(headers['tracestate']) };
}

/** A new trace, marked as sampled: services decide as they would for a request that came to them first. */
export function beginTrace(): TraceContext {
  return {
    traceparent: `00-${toDigits(randomUUID())}-${toDigits(randomUUID()).slice(16)}-${toHex(RANDOM | SAMPLED)}`,
    tracestate: null,
  };
}

/** Of a random UUID, which Node makes from a store of entropy: `randomBytes` costs ten times as much. Its last 14 digits are all random. */
const toDigits = (uuid: string): string => uuid.replaceAll('-', '');

export function traceIdOf({ traceparent }: TraceContext): string {
  return traceparent.slice(3, 35);
}

function readState(given: string | string[] | undefined): string | null {
  const members = (Array.isArray(given) ? given.join(',') : (given ?? ''))
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
  const text = members.join(',');
  const keys = new Set(members.map((member) => member.slice(0, member.indexOf('='))));
  const isValid =
    members.length <= MAX_STATE_MEMBERS &&
    text.length <= MAX_STATE_CHARS &&
    keys.size === members.length &&
    members.every((member) => STATE_MEMBER.test(member));
  return isValid && text !== '' ? text : null;
}

function toHex(flags: number): string {
  return flags.toString(16).padStart(2, '0');
}
