// What an answer means that holds no GraphQL response: often a proxy or a load balancer said it, for a service that is away.
import type { ErrorCode } from '#schema/contracts/errors';

/** Statuses, those of nginx and Cloudflare included, that say: the service behind broke off, refused, or cannot be found. */
const AWAY: ReadonlySet<number> = new Set([502, 520, 521, 523, 525, 526, 527, 530]);
const LATE: ReadonlySet<number> = new Set([408, 504, 522, 524]);
const BUSY: ReadonlySet<number> = new Set([429, 503]);

export interface UnreadAnswer {
  failed: ErrorCode;
  /** May the service have done what it was asked to do? Only 429 and the other refusals of HTTP (4xx) say that it has not. */
  wasSent: boolean;
}

/** @param isEmpty - no body came */
export function readUnread(status: number, isEmpty: boolean): UnreadAnswer {
  if (AWAY.has(status)) return { failed: 'SUBGRAPH_UNREACHABLE', wasSent: true };
  if (LATE.has(status)) return { failed: 'SUBGRAPH_TIMEOUT', wasSent: true };
  if (BUSY.has(status)) return { failed: 'SUBGRAPH_UNAVAILABLE', wasSent: status !== 429 };
  if (status < 300 && isEmpty) return { failed: 'SUBGRAPH_UNREACHABLE', wasSent: true };
  return { failed: 'SUBGRAPH_BAD_ANSWER', wasSent: status < 400 || status >= 500 };
}
