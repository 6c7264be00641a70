// PGlite runs here, off the main thread: one statement can take tens of milliseconds and it never yields.
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { serveThread } from '../threads.js';

export interface PgliteMethods extends Record<string, (argument: never) => unknown> {
  open(at: { folder: string; socket: string }): Promise<void>;
  close(argument: null): Promise<void>;
}

let opened: { db: PGlite; server: PGLiteSocketServer } | undefined;

serveThread({
  open: async ({ folder, socket }: { folder: string; socket: string }) => {
    const db = await PGlite.create(folder);
    // The pool holds one connection, but replaces it after an error before the old one is gone.
    const server = new PGLiteSocketServer({ db, path: socket, maxConnections: 8 });
    await server.start();
    opened = { db, server };
  },
  close: async () => {
    await opened?.server.stop();
    await opened?.db.close();
    opened = undefined;
  },
} satisfies PgliteMethods);
