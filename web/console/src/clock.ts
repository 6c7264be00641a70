import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now = Date.now();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** Whole seconds while nobody's timer runs, so that two reads in one render agree. */
const readNow = (): number => (timer === undefined ? (now = Math.floor(Date.now() / 1_000) * 1_000) : now);
const readNothing = (): (() => void) => () => undefined;

/** Epoch ms, ticking once a second from one timer, so that every elapsed time on a page changes together. */
export function useNow(ticking = true): number {
  return useSyncExternalStore(ticking ? subscribe : readNothing, readNow);
}
