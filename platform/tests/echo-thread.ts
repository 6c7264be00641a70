import { CodedError } from '#schema/contracts/errors';
import { serveThread } from '../threads.js';

/** What the tests of threads.ts run in a thread. */
export interface EchoMethods extends Record<string, (argument: never) => unknown> {
  echo(text: string): string;
  fail(code: 'NOT_FOUND'): never;
  spin(ms: number): void;
  crash(argument: null): never;
}

serveThread({
  echo: (text: string) => text,
  fail: (code: 'NOT_FOUND') => {
    throw new CodedError(code, 'there is none');
  },
  spin: (ms: number) => {
    for (const end = Date.now() + ms; Date.now() < end;);
  },
  crash: () => process.exit(1),
} satisfies EchoMethods);
