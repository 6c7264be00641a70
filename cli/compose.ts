import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createComposer } from '#gateway/supergraph/composer';
import { readBuiltInServices, readListedServices } from '#gateway/supergraph/service-list';
import type { CliConfig } from './config.js';

/** `sluice compose`: prints the supergraph of our own services and those of SLUICE_SUBGRAPHS. @throws CompositionError */
export async function compose(args: readonly string[], config: CliConfig): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { out: { type: 'string' } } });
  const listed =
    config.subgraphsFile === null ? { services: [], addresses: new Map<string, string>() } : await readListedServices(config.subgraphsFile);
  const composer = createComposer();
  try {
    const services = [...(await readBuiltInServices()), ...listed.services].map(({ name, sdl, host, path }) => ({
      name,
      sdl,
      url: (listed.addresses.get(host) ?? `http://${host}`) + path,
    }));
    const { supergraphSdl, hints } = await composer.compose(services);
    for (const { code, message } of hints) console.error(`${code}: ${message}`);
    if (values.out === undefined) console.log(supergraphSdl);
    else await writeFile(values.out, supergraphSdl);
    return 0;
  } finally {
    await composer.close();
  }
}
