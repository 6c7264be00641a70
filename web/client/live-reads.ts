// Keeps a list read while somebody listens and the page is visible: again when a subscription says that it changed, besides every
// POLL_MS while the list itself is at work or the stream is away, else every IDLE_POLL_MS.
import { waitOrWake } from './backoff.js';
import type { OperationTransport } from './transport.js';

export const POLL_MS = 2_500;
export const IDLE_POLL_MS = 30_000;

export interface LiveReadsOptions {
  transport: OperationTransport;
  /** The subscription; what it sends is not looked at. */
  changes: string;
  /** Never rejects. */
  read: () => Promise<void>;
  /** Nothing is expected to change that the subscription would not tell. */
  isQuiet: () => boolean;
}

/** @returns what each listener calls when it comes; that returns what it calls when it goes */
export function createLiveReads({ transport, changes, read, isQuiet }: LiveReadsOptions): () => () => void {
  let listeners = 0;
  let polling = 0;
  let isStreamed = false;
  let wake: (() => void) | undefined;
  let stopListening: (() => void) | undefined;

  async function poll(): Promise<void> {
    const mine = ++polling;
    while (mine === polling) {
      const changed = new Promise<void>((resolve) => (wake = resolve));
      if (typeof document === 'undefined' || document.visibilityState === 'visible') await read();
      const isTold = isStreamed && transport.connection.get().state === 'open';
      await Promise.race([waitOrWake(isTold && isQuiet() ? IDLE_POLL_MS : POLL_MS), changed]);
    }
  }

  /** @returns how to end it */
  function listen(): () => void {
    isStreamed = true;
    const onEnd = (): void => {
      isStreamed = false;
      wake?.();
    };
    const end = transport.subscribe<unknown>(
      { document: changes, variables: {} },
      { next: ({ errors }) => (errors === undefined ? wake?.() : onEnd()), error: onEnd, complete: onEnd },
    );
    const stopConnection = watchConnection(transport, () => wake?.());
    return () => {
      isStreamed = false;
      stopConnection();
      end();
    };
  }

  return () => {
    if (listeners++ === 0) {
      stopListening = listen();
      void poll();
    }
    let left = false;
    return () => {
      if (!left && --listeners === 0) {
        polling += 1;
        stopListening?.();
      }
      left = true;
    };
  };
}

/** Tells when a connection that was open is lost, and when it is back: nobody is told what changed in between. @returns how to end it */
function watchConnection({ connection }: OperationTransport, onChange: () => void): () => void {
  let isOpen = connection.get().state === 'open';
  let wasOpen = isOpen;
  return connection.subscribe(() => {
    const isNowOpen = connection.get().state === 'open';
    if (isNowOpen === isOpen) return;
    isOpen = isNowOpen;
    if (wasOpen) onChange();
    wasOpen = true;
  });
}
