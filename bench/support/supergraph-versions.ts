// The shop's supergraph, changed a little for each generation: a field that nobody asks for has another name each time.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { request } from 'undici';

/** In the catalogue's products service. */
const MARKER = /generation\d+/g;
const SERVED_WITHIN_MS = 30_000;

export interface SupergraphVersions {
  /** Replaces the file and waits until the gateway serves it. @returns milliseconds from the one to the other */
  next(): Promise<number>;
}

/** @param adminUrl - of the gateway that follows `file` */
export async function createVersions(file: string, adminUrl: string): Promise<SupergraphVersions> {
  const text = await readFile(file, 'utf8');
  let version = 0;
  let served = await readGeneration(adminUrl);
  return {
    async next() {
      version += 1;
      await writeFile(`${file}.next`, text.replace(MARKER, `generation${version}`));
      await rename(`${file}.next`, file);
      const startedAt = performance.now();
      for (;;) {
        const now = await readGeneration(adminUrl);
        if (now > served) {
          served = now;
          return performance.now() - startedAt;
        }
        if (performance.now() - startedAt > SERVED_WITHIN_MS)
          throw new Error(`version ${version} was not served within ${SERVED_WITHIN_MS} ms`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  };
}

/** What a gateway serves, by its metrics. */
export async function readGeneration(adminUrl: string): Promise<number> {
  const { body } = await request(`${adminUrl}/metrics`);
  const found = /^sluice_supergraph_generation\S* (\d+)$/m.exec(await body.text())?.[1];
  if (found === undefined) throw new Error('the gateway tells no generation');
  return Number(found);
}
