// Who is signed in. The token lives in memory and in sessionStorage (this tab, until it is closed), nowhere else.
import { type Readable } from '@sluice/client';

export interface Session {
  readonly token: string;
  /** RFC 3339. */
  readonly expiresAt: string;
  readonly user: DevUser;
}

export interface DevUser {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
}

export interface SessionStore extends Readable<Session | null> {
  readonly signIn: (session: Session) => void;
  /** Forgets everything of this tab and loads the sign-in page, so that no state of one user reaches the next. */
  readonly signOut: (reason?: 'expired') => void;
}

const STORED = 'sluice:session';

export function createSessionStore(storage: Storage, now: () => number): SessionStore {
  let session = parseSession(storage.getItem(STORED), now());
  const listeners = new Set<() => void>();
  return {
    get: () => session,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    signIn(next) {
      session = next;
      storage.setItem(STORED, JSON.stringify(next));
      for (const listener of [...listeners]) listener();
    },
    signOut(reason) {
      const here = location.pathname + location.search;
      session = null;
      storage.clear();
      const query = reason === undefined ? '' : `?${new URLSearchParams({ reason, to: here }).toString()}`;
      location.assign(`/login${query}`);
    },
  };
}

function parseSession(text: string | null, nowMs: number): Session | null {
  try {
    const value = JSON.parse(text ?? 'null') as Session | null;
    return value !== null && Date.parse(value.expiresAt) > nowMs ? value : null;
  } catch {
    return null;
  }
}

/** @throws Error when this gateway has no dev sign-in (SLUICE_AUTH is not `dev`) or cannot be reached */
export async function readDevUsers(signal: AbortSignal): Promise<readonly DevUser[]> {
  const response = await fetch('/dev/users', { signal });
  if (!response.ok) throw new Error(`dev sign-in answered ${response.status}`);
  return ((await response.json()) as { users: DevUser[] }).users;
}

/** @throws Error with the gateway's status */
export async function signInAs(user: DevUser): Promise<Session> {
  const response = await fetch('/dev/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user: user.id }),
  });
  if (!response.ok) throw new Error(`The gateway answered ${response.status}.`);
  const { token, expiresAt } = (await response.json()) as { token: string; expiresAt: string };
  return { token, expiresAt, user };
}
