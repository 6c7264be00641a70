// Files on their way: a link is asked for, the bytes go to it, and become a file. One after the other, whichever page is shown.
// I1. What is cancelled or refused leaves nothing: bytes that no file was made of are dropped by the files service.
// I2. At most MAX_UPLOADS are known; what is over leaves first, and more are not taken.
import type { OperationClient, OperationClientError, Readable } from '@sluice/client';
import type { ShownError } from '../components/feedback.js';
import { CreateUpload, UploadFile } from '../queries.js';
import { putBytes } from './put-bytes.js';
import { sendOnce } from './send-once.js';

export const MAX_UPLOADS = 50;

export interface Upload {
  readonly number: number;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly sent: number;
  readonly phase: 'waiting' | 'sending' | 'finishing' | 'done' | 'failed' | 'cancelled';
  readonly error: ShownError | undefined;
}

export interface Uploads extends Readable<readonly Upload[]> {
  /** @returns how many were not taken: there are too many already */
  add(files: readonly File[]): number;
  cancel(number: number): void;
  tryAgain(number: number): void;
  dismiss(number: number): void;
  /** Called when bytes have become a file. */
  onStored(listener: () => void): () => void;
}

const all = new WeakMap<OperationClient, Uploads>();

export function uploadsOf(client: OperationClient): Uploads {
  const uploads = all.get(client) ?? createUploads(client);
  all.set(client, uploads);
  return uploads;
}

export function isOver({ phase }: Upload): boolean {
  return phase === 'done' || phase === 'failed' || phase === 'cancelled';
}

function createUploads(client: OperationClient): Uploads {
  const files = new Map<number, { file: File; stop: AbortController; sent: string | null }>();
  const listeners = new Set<() => void>();
  const storedListeners = new Set<() => void>();
  let uploads: readonly Upload[] = [];
  let count = 0;
  let isBusy = false;

  function set(next: readonly Upload[]): void {
    uploads = next;
    for (const listener of [...listeners]) listener();
  }
  function change(number: number, facts: Partial<Upload>): void {
    set(uploads.map((upload) => (upload.number === number ? { ...upload, ...facts } : upload)));
  }

  async function work(): Promise<void> {
    if (isBusy) return;
    isBusy = true;
    for (let next = first(); next !== undefined; next = first()) await send(next.number);
    isBusy = false;
  }
  const first = (): Upload | undefined => uploads.find(({ phase }) => phase === 'waiting');

  async function send(number: number): Promise<void> {
    const entry = files.get(number);
    if (entry === undefined) return;
    const { file, stop } = entry;
    try {
      entry.sent ??= await sendBytes(number, file, stop.signal);
      change(number, { phase: 'finishing', sent: file.size });
      const input = { file: entry.sent, name: file.name, ...(file.type === '' ? {} : { mediaType: file.type }) };
      await sendOnce(client, `file of ${entry.sent}`, UploadFile, { input });
      change(number, { phase: 'done' });
      files.delete(number);
      for (const listener of [...storedListeners]) listener();
    } catch (cause) {
      const { code = 'NETWORK_ERROR', message, source } = cause as Partial<OperationClientError> & Error;
      // Without an answer it may be a file already: the next try asks once more for the same bytes.
      if (source !== 'network') entry.sent = null;
      change(number, stop.signal.aborted ? { phase: 'cancelled' } : { phase: 'failed', error: { code, message } });
    }
  }

  /** @returns what stands for the bytes until they are a file */
  async function sendBytes(number: number, file: File, signal: AbortSignal): Promise<string> {
    change(number, { phase: 'sending', sent: 0 });
    const { createUpload } = await sendOnce(client, null, CreateUpload, { size: file.size });
    await putBytes(createUpload.url, file, { signal, onProgress: (sent) => change(number, { sent }) });
    return createUpload.upload;
  }

  return {
    get: () => uploads,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onStored(listener) {
      storedListeners.add(listener);
      return () => storedListeners.delete(listener);
    },
    add(added) {
      const waiting = uploads.filter((upload) => !isOver(upload)).length;
      const taken = added.slice(0, MAX_UPLOADS - waiting);
      const known = [...uploads];
      for (const file of taken) {
        const number = ++count;
        files.set(number, { file, stop: new AbortController(), sent: null });
        known.push({ number, name: file.name, size: file.size, sent: 0, phase: 'waiting', error: undefined });
      }
      const leaving = new Set(known.filter(isOver).slice(0, Math.max(0, known.length - MAX_UPLOADS)));
      for (const { number } of leaving) files.delete(number);
      set(known.filter((upload) => !leaving.has(upload)));
      void work();
      return added.length - taken.length;
    },
    cancel(number) {
      files.get(number)?.stop.abort();
      if (uploads.some((upload) => upload.number === number && upload.phase === 'waiting')) change(number, { phase: 'cancelled' });
    },
    tryAgain(number) {
      const known = files.get(number);
      if (known === undefined) return;
      files.set(number, { ...known, stop: new AbortController() });
      change(number, { phase: 'waiting', error: undefined });
      void work();
    },
    dismiss(number) {
      files.delete(number);
      set(uploads.filter((upload) => upload.number !== number));
    },
  };
}
