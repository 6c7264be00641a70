// How many connections that stay open one caller may have, WebSockets and event streams together.
import type { PrincipalId } from '#schema/contracts/ids';

export interface ClientConnections {
  /** @returns how to leave; undefined when the caller has as many as it may */
  enter(principal: PrincipalId): (() => void) | undefined;
}

export function createClientConnections(max: number): ClientConnections {
  const open = new Map<PrincipalId, number>();
  return {
    enter(principal) {
      const count = open.get(principal) ?? 0;
      if (count >= max) return undefined;
      open.set(principal, count + 1);
      let isIn = true;
      return () => {
        if (!isIn) return;
        isIn = false;
        const left = (open.get(principal) ?? 1) - 1;
        if (left === 0) open.delete(principal);
        else open.set(principal, left);
      };
    },
  };
}
