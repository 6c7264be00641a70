// How many connections that stay open one caller may have, WebSockets and event streams together.
import type { AuthContext } from '#schema/contracts/identity';

export interface ClientConnections {
  /** @returns how to leave; undefined when the caller has as many as it may */
  enter(caller: Pick<AuthContext, 'tenant' | 'principal'>): (() => void) | undefined;
}

export function createClientConnections(max: number): ClientConnections {
  const open = new Map<string, number>();
  return {
    enter({ tenant, principal }) {
      // One principal may be known in several tenants: neither takes the other's room.
      const caller = `${tenant}/${principal}`;
      const count = open.get(caller) ?? 0;
      if (count >= max) return undefined;
      open.set(caller, count + 1);
      let isIn = true;
      return () => {
        if (!isIn) return;
        isIn = false;
        const left = (open.get(caller) ?? 1) - 1;
        if (left === 0) open.delete(caller);
        else open.set(caller, left);
      };
    },
  };
}
