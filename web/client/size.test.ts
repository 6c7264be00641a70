// @vitest-environment node
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

/** Our own code, minified, gz; dependencies and peers are the application's. */
async function gzippedBytes(contents: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    external: ['graphql', 'graphql-ws', 'react', '@urql/core'],
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
}

describe('what an application loads', () => {
  it('is at most 6 kB for the client', async () => {
    expect(await gzippedBytes("export { createOperationClient } from './index.ts';")).toBeLessThanOrEqual(6_000);
  });

  it('is at most 4 kB more for the hooks', async () => {
    const core = await gzippedBytes("export { createOperationClient } from './index.ts';");
    const both = await gzippedBytes("export { createOperationClient } from './index.ts'; export * from './react/index.ts';");
    expect(both - core).toBeLessThanOrEqual(4_000);
  });
});
