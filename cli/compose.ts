import { CompositionError, type CompositionProblem } from '#schema/contracts/supergraph';
import { createComposer } from '#gateway/supergraph/composer';
import { NO_LISTED_SERVICES, readBuiltInServices, readListedServices } from '#gateway/supergraph/service-list';
import type { CliConfig } from './config.js';
import { readNamedFile, writeNamedFile } from './files.js';

const DOES_NOT_COMPOSE = 1;
const BREAKS = 3;

/**
 * `sluice compose`: prints the supergraph of our own services and those of SLUICE_SUBGRAPHS, or of the services of `--config` alone.
 *
 * @returns 0, or 1 when they do not compose
 */
export async function compose(options: { out?: string; config?: string }, config: CliConfig): Promise<number> {
  const composer = createComposer();
  try {
    const { supergraphSdl, hints } = await composer.compose(await readServices(config, options.config));
    for (const hint of hints) console.error(describe('hint', hint));
    if (options.out === undefined) console.log(supergraphSdl);
    else await writeNamedFile(options.out, supergraphSdl);
    return 0;
  } catch (error) {
    return reportProblems(error);
  } finally {
    await composer.close();
  }
}

/**
 * `sluice check`: do the services compose, and does the supergraph break clients of the one in `--against`?
 *
 * @returns 0, 1 when they do not compose, 3 when they break something
 */
export async function check(options: { against?: string; config?: string }, config: CliConfig): Promise<number> {
  const composer = createComposer();
  try {
    const before = options.against === undefined ? undefined : (await readNamedFile(options.against)).toString('utf8');
    const services = await readServices(config, options.config);
    const { supergraphSdl, hints } = await composer.compose(services);
    for (const hint of hints) console.log(describe('hint', hint));
    const changes = before === undefined ? [] : await composer.compare(before, supergraphSdl);
    for (const { severity, kind, message } of changes) console.log(`${severity} ${kind}\n  ${message}`);
    const breaking = changes.filter(({ severity }) => severity === 'breaking').length;
    const verdict = before === undefined ? '' : `, ${breaking} breaking and ${changes.length - breaking} dangerous changes`;
    console.log(`${services.length} services compose, ${hints.length} hints${verdict}`);
    return breaking > 0 ? BREAKS : 0;
  } catch (error) {
    return reportProblems(error);
  } finally {
    await composer.close();
  }
}

async function readServices(config: CliConfig, file: string | undefined): Promise<{ name: string; sdl: string; url: string }[]> {
  const own = file === undefined ? await readBuiltInServices() : [];
  const listFile = file ?? config.subgraphsFile;
  const reserved = file === undefined ? {} : { reserved: [] };
  const listed = listFile === null ? NO_LISTED_SERVICES : await readListedServices(listFile, { ...reserved, isComposed: true });
  return [
    ...own.map(({ name, sdl, host, path }) => ({ name, sdl, url: `http://${host}${path}` })),
    ...listed.services.map(({ name, sdl, host, path }) => ({ name, sdl, url: `${listed.addresses.get(host) ?? ''}${path}` })),
  ];
}

function reportProblems(error: unknown): number {
  if (!(error instanceof CompositionError)) throw error;
  for (const problem of error.problems) console.error(describe('error', problem));
  const count = error.problems.length;
  console.error(`sluice: the services do not compose: ${count} ${count === 1 ? 'problem' : 'problems'} (${error.code})`);
  return DOES_NOT_COMPOSE;
}

/** `error CODE at Type.field in service:line`, then what it says. */
function describe(level: 'error' | 'hint', { code, message, service, coordinate, line }: CompositionProblem): string {
  const place = service === null ? '' : ` in ${service}${line === undefined ? '' : `:${line}`}`;
  return `${level} ${code}${coordinate === undefined ? '' : ` at ${coordinate}`}${place}\n  ${message.replaceAll('\n', '\n  ')}`;
}
