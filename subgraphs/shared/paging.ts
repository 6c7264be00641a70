// Relay connections over keyset cursors: (created at, id), newest first, so that pages stay right while rows come and go.
import { CodedError } from '#schema/contracts/errors';

export const MAX_PAGE = 100;
// Only what PostgreSQL takes as well: it knows no year 0, no 30 February and no NUL in a text.
const INSTANT = /^[1-9]\d{3}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/;
const ID = /^[\x21-\x7e]+$/;

export interface PageArguments {
  first: number;
  after?: string | null;
}

/** Position behind which a page starts. */
export interface PageKey {
  /** RFC 3339. */
  at: string;
  id: string;
}

export interface PageRequest {
  /** One more than the page, to know whether another follows. */
  limit: number;
  after: PageKey | null;
}

export interface Connection<Row> {
  edges: { cursor: string; node: Row }[];
  nodes: Row[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
  totalCount: number | (() => Promise<number>);
}

/** @throws BAD_USER_INPUT, CURSOR_INVALID */
export function parsePage({ first, after }: PageArguments): PageRequest {
  if (!Number.isInteger(first) || first < 1 || first > MAX_PAGE)
    throw new CodedError('BAD_USER_INPUT', `first: expected 1 to ${MAX_PAGE}, got ${first}`);
  return { limit: first + 1, after: after == null ? null : parseKey(after) };
}

/** @param rows - up to `limit` of them, in order */
export function toConnection<Row>(
  rows: readonly Row[],
  { limit, after }: PageRequest,
  toKey: (row: Row) => PageKey,
  totalCount: number | (() => Promise<number>),
): Connection<Row> {
  const nodes = rows.slice(0, limit - 1);
  const edges = nodes.map((node) => ({ cursor: formatKey(toKey(node)), node }));
  return {
    edges,
    nodes,
    pageInfo: {
      hasNextPage: rows.length >= limit,
      hasPreviousPage: after !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    totalCount,
  };
}

function formatKey({ at, id }: PageKey): string {
  return Buffer.from(`${at} ${id}`).toString('base64url');
}

function parseKey(cursor: string): PageKey {
  const [at, id] = Buffer.from(cursor.slice(0, 400), 'base64url').toString('utf8').split(' ');
  if (at === undefined || id === undefined || !INSTANT.test(at) || Number.isNaN(Date.parse(at)) || !ID.test(id))
    throw new CodedError('CURSOR_INVALID', 'after: expected a cursor of this connection');
  return { at: new Date(at).toISOString(), id };
}
