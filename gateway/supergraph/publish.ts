// Publishing generations: newest + change → compose → the next number, which only one publisher can take.
import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import type { Composer, Generation, SupergraphChange, SupergraphRegistry, SupergraphService } from '#schema/contracts/supergraph';
import { sha256 } from '#platform/blob-store';

/** Each lost race means that somebody else's generation was published: more than these at once is a fault. */
const MAX_ATTEMPTS = 10;

interface Publisher {
  registry: SupergraphRegistry;
  composer: Composer;
}

/**
 * Publishes newest + `change`. A change that changes nothing publishes nothing.
 *
 * @param options.requestId - a repeat gets the first one's generation
 * @throws CompositionError (COMPOSITION_FAILED), GENERATION_CONFLICT after ten lost races, DATABASE_UNAVAILABLE
 */
export async function publishChange(options: Publisher & { change: SupergraphChange; requestId: string }): Promise<Generation> {
  return publishNext(options, options.requestId, (services) => applyChange(services, options.change));
}

/**
 * At start-up: makes `services` the services that are no plugins, and leaves the plugins as they are. Any number of processes may do
 * it at once.
 *
 * @throws as {@link publishChange}
 */
export async function publishServices(options: Publisher & { services: readonly SupergraphService[] }): Promise<Generation> {
  return publishNext(options, null, (known) => [...options.services, ...known.filter(({ plugin }) => plugin !== null)]);
}

/** Composes newest + `change` and publishes nothing. @throws CompositionError */
export async function composeChange({
  registry,
  composer,
  change,
}: Publisher & { change: SupergraphChange }): ReturnType<Composer['compose']> {
  return compose(composer, applyChange((await registry.newest())?.services ?? [], change));
}

async function publishNext(
  { registry, composer }: Publisher,
  requestId: string | null,
  change: (services: readonly SupergraphService[]) => readonly SupergraphService[],
): Promise<Generation> {
  for (let attempt = 1; ; attempt++) {
    const done = requestId === null ? undefined : await registry.publishedBy(requestId);
    if (done !== undefined) return done;
    const newest = await registry.newest();
    const services = inOrder(change(newest?.services ?? []));
    if (newest !== undefined && toKey(services) === toKey(inOrder(newest.services))) return newest;

    const { supergraphSdl } = await compose(composer, services);
    const changes = newest === undefined ? [] : await composer.compare(newest.supergraphSdl, supergraphSdl);
    const next: Generation = { number: (newest?.number ?? 0) + 1, digest: sha256(supergraphSdl), supergraphSdl, services, changes };
    try {
      await registry.publish(next, requestId);
      return next;
    } catch (error) {
      if (errorCodeOf(error) !== 'GENERATION_CONFLICT' || attempt >= MAX_ATTEMPTS) throw error;
    }
  }
}

function applyChange(services: readonly SupergraphService[], change: SupergraphChange): readonly SupergraphService[] {
  const name = change.kind === 'put' ? change.service.name : change.name;
  const others = services.filter((service) => service.name !== name);
  return change.kind === 'put' ? [...others, change.service] : others;
}

async function compose(composer: Composer, services: readonly SupergraphService[]): ReturnType<Composer['compose']> {
  if (services.length === 0) throw new CodedError('COMPOSITION_FAILED', 'there is no service to compose a supergraph of');
  // A generation outlives every address, so its SDL names hosts only (docs/adr/0005-generations-without-urls.md).
  return composer.compose(services.map(({ name, sdl, host, path }) => ({ name, sdl, url: `sluice://${host}${path}` })));
}

/** One order, so that the same services compose to the same text whoever publishes. */
function inOrder(services: readonly SupergraphService[]): readonly SupergraphService[] {
  return [...services].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function toKey(services: readonly SupergraphService[]): string {
  return JSON.stringify(
    services.map(({ name, sdl, host, path, signed, plugin, errors }) => [
      name,
      sdl,
      host,
      path,
      signed,
      plugin && [plugin.name, plugin.version, plugin.digest],
      errors && [errors.show, errors.texts],
    ]),
  );
}
