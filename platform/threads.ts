// Worker threads and requests to them. Own code, since tsx cannot start a `.ts` worker on Node 20 and the pools on npm
// restart threads silently, which a planner that has loaded supergraphs must know about: keep-running.ts restarts them.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { isMainThread, parentPort, Worker, type WorkerOptions } from 'node:worker_threads';
import { errorCodeOf, CodedError, isErrorCode, type ErrorCode } from '#schema/contracts/errors';
import type { End, Mortal } from './keep-running.js';

/**
 * Starts a module of ours in a thread. `module` names the `.ts` file's compiled name (`new URL('./x.js', import.meta.url)`);
 * run from the sources, the thread first learns to read TypeScript.
 */
export function startThread(module: URL, options: WorkerOptions = {}): Worker {
  const inSources = !module.pathname.includes('/dist/');
  if (!inSources) return new Worker(module, options);
  const source = new URL(module.href.replace(/\.js$/, '.ts'));
  const loader = pathToFileURL(
    createRequire(import.meta.url)
      .resolve('tsx/esm/api')
      .replace(/\.cjs$/, '.mjs'),
  ).href;
  const bootstrap = `import(${JSON.stringify(loader)}).then(({ register }) => { register(); return import(${JSON.stringify(source.href)}); })`;
  return new Worker(bootstrap, { ...options, eval: true });
}

interface Request {
  id: number;
  method: string;
  argument: unknown;
}
type Reply = { id: number; value: unknown } | { id: number; error: { code: ErrorCode | null; message: string } };

/** Methods by name, each with one argument and a promised answer; both must survive structured cloning. */
export type ThreadMethods = Record<string, (argument: never) => unknown>;

export interface ThreadClient<M extends ThreadMethods> extends Mortal {
  /**
   * @param timeoutMs - after it the thread is ended: it may hang in synchronous code
   * @param moreMs - asked then, and after each time it gave: how much longer to wait; none or less: no longer
   * @throws what the method threw, with its code; PART_LOST when the thread ended meanwhile
   */
  call<K extends keyof M & string>(
    method: K,
    argument: Parameters<M[K]>[0],
    timeoutMs: number,
    moreMs?: () => number,
  ): Promise<Awaited<ReturnType<M[K]>>>;
  readonly ended: Promise<End>;
  close(): Promise<void>;
}

export function createThreadClient<M extends ThreadMethods>(worker: Worker): ThreadClient<M> {
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void; timer: NodeJS.Timeout }>();
  let nextId = 0;
  let alive = true;
  let isOurs = false;

  worker.on('message', (reply: Reply) => {
    const call = pending.get(reply.id);
    if (call === undefined) return;
    pending.delete(reply.id);
    clearTimeout(call.timer);
    if ('value' in reply) call.resolve(reply.value);
    else call.reject(new CodedError(reply.error.code ?? 'INTERNAL_SERVER_ERROR', reply.error.message));
  });
  // 'exit' always follows; without a listener the error would end the process.
  let failure: unknown;
  worker.on('error', (error) => (failure = error));
  const ended = once(worker, 'exit').then((): End => {
    alive = false;
    return isOurs ? 'ended by us' : 'died';
  });
  // After `ended`: whoever is refused and asks for the thread again must not be given this one.
  void ended.then(() => {
    for (const { reject, timer } of pending.values()) {
      clearTimeout(timer);
      reject(lost());
    }
    pending.clear();
  });
  const lost = (): CodedError => new CodedError('PART_LOST', 'the thread that worked on this ended', { cause: failure });

  return {
    ended,
    call: (method, argument, timeoutMs, moreMs = () => 0) =>
      new Promise((resolve, reject) => {
        if (!alive) return reject(lost());
        const id = nextId++;
        const call = { resolve: (value: unknown) => resolve(value as never), reject, timer: setTimeout(endOrWait, timeoutMs) };
        pending.set(id, call);
        worker.postMessage({ id, method, argument } satisfies Request);
        function endOrWait(): void {
          const more = moreMs();
          if (more > 0) call.timer = setTimeout(endOrWait, more);
          else {
            isOurs = true;
            void worker.terminate();
          }
        }
      }),
    close: async () => {
      isOurs = true;
      await worker.terminate();
      await ended;
    },
  };
}

/** In the thread: answers requests one after the other, in order. */
export function serveThread(methods: ThreadMethods): void {
  const port = parentPort;
  if (isMainThread || port === null) throw new Error('serveThread() belongs into a worker thread');
  let last: Promise<void> = Promise.resolve();
  port.on('message', ({ id, method, argument }: Request) => {
    last = last.then(async () => {
      try {
        port.postMessage({ id, value: await (methods[method] as (argument: unknown) => unknown)(argument) } satisfies Reply);
      } catch (error) {
        const code = errorCodeOf(error);
        const message = error instanceof Error ? error.message : String(error);
        port.postMessage({ id, error: { code: isErrorCode(code) ? code : null, message } } satisfies Reply);
      }
    });
  });
}
