// Compiles the rooms into dist/. Each module of ours becomes a file of its own, at its place: it finds its migrations and threads beside
// itself, and a stack trace names it. The packages it imports become a few chunks, since Node takes twice as long to load a
// thousand small files (docs/adr/0020-what-a-start-costs.md). Types are checked elsewhere (`npm run typecheck`).
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

/** They load native code, WebAssembly or threads from where they lie; the sandbox's failure converter shares Temporal's classes. */
const LEFT_IN_NODE_MODULES = ['@temporalio/*', '@electric-sql/*', 'quickjs-emscripten', 'esbuild', 'pg-native'];
const COMPILED = /(?<!\.test|\.d)\.ts$/;
const LEFT_OUT = /^workers\/workflows\/|\/tests?\//;

/** What our modules import of each other stays an import; `#room/…` is resolved by dist/package.json. */
const ownModulesStayApart: Plugin = {
  name: 'own modules stay apart',
  setup: (build) =>
    build.onResolve({ filter: /^[.#]/ }, ({ path, importer, kind }) =>
      kind === 'entry-point' || importer.includes('/node_modules/') ? undefined : { path, external: true },
    ),
};

/** @throws Error when a module cannot be compiled or a package is missing */
export async function compileRooms(options: { root: URL; dist: URL; rooms: readonly string[] }): Promise<void> {
  const root = fileURLToPath(options.root);
  const files = await Promise.all(
    options.rooms.map(async (room) => (await readdir(join(root, room), { recursive: true })).map((file) => join(room, file))),
  );
  await build({
    absWorkingDir: root,
    entryPoints: files.flat().filter((file) => COMPILED.test(file) && !LEFT_OUT.test(file)),
    outdir: fileURLToPath(options.dist),
    outbase: root,
    chunkNames: 'packages/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: 'linked',
    sourcesContent: false,
    external: LEFT_IN_NODE_MODULES,
    plugins: [ownModulesStayApart],
    // CommonJS packages ask for Node's own modules by it. The name is one that no module imports itself.
    banner: { js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);" },
    logLevel: 'warning',
  });
}
