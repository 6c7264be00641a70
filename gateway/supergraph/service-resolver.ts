// Joins what a plan says (generation and service name) with where that service answers right now.
// Generations never change, so their services are kept; addresses are read again after a second.
import { CodedError } from '#schema/contracts/errors';
import type { SupergraphRegistry, SupergraphService } from '#schema/contracts/supergraph';
import { type ErrorRules, toErrorView } from '../fetching/error-rules.js';
import type { ServiceResolver, ServiceTarget } from '../fetching/service-fetcher.js';

const ADDRESSES_FRESH_MS = 1_000;
const MAX_GENERATIONS = 64;

type Services = ReadonlyMap<string, SupergraphService>;
/** By host name. */
type Addresses = ReadonlyMap<string, string>;

/** For gateways and workers alike. */
export function createServiceResolver(registry: Pick<SupergraphRegistry, 'get' | 'addresses'>, errorRules?: ErrorRules): ServiceResolver {
  const generations = new Map<number, Kept<Services>>();
  const targets = new WeakMap<SupergraphService, { base: string; target: ServiceTarget }>();
  let addresses: (Kept<Addresses> & { atMs: number }) | undefined;

  function servicesOf(number: number): Kept<Services> {
    const known = generations.get(number);
    if (known !== undefined) return known;
    const reading = keep(readServices(number), () => generations.delete(number));
    generations.set(number, reading);
    for (const oldest of generations.keys()) {
      if (generations.size <= MAX_GENERATIONS) break;
      generations.delete(oldest);
    }
    return reading;
  }

  async function readServices(number: number): Promise<Services> {
    const generation = await registry.get(number);
    if (generation === undefined) throw new CodedError('GENERATION_UNKNOWN', `supergraph generation ${number} is gone`);
    return new Map(generation.services.map((service) => [service.name, service]));
  }

  function readAddresses(): Kept<Addresses> {
    if (addresses === undefined || performance.now() - addresses.atMs > ADDRESSES_FRESH_MS) {
      const previous = addresses?.read;
      // While the registry is away, the last addresses are a better guess than none.
      const read = registry.addresses().catch((error: unknown) => previous ?? Promise.reject(error as Error));
      addresses = Object.assign(
        keep(read, () => (addresses = undefined)),
        { atMs: performance.now() },
      );
    }
    return addresses;
  }

  function targetOf(service: SupergraphService, base: string): ServiceTarget {
    let last = targets.get(service);
    if (last?.base !== base) {
      last = { base, target: { url: new URL(base + service.path), signed: service.signed, errors: toErrorView(service, errorRules) } };
      targets.set(service, last);
    }
    return last.target;
  }

  async function locate(
    services: Promise<Services>,
    addresses: Promise<Addresses>,
    generation: number,
    name: string,
  ): Promise<ServiceTarget> {
    const [all, known] = await Promise.all([services, addresses]);
    const service = all.get(name);
    if (service === undefined) throw new CodedError('GENERATION_UNKNOWN', `supergraph generation ${generation} has no service '${name}'`);
    const base = known.get(service.host);
    if (base === undefined) throw new CodedError('SUBGRAPH_UNREACHABLE', `no address is known for '${service.host}'`);
    return targetOf(service, base);
  }

  return (generation, name) => {
    const services = servicesOf(generation);
    const { read, value } = readAddresses();
    const service = services.value?.get(name);
    const base = service && value?.get(service.host);
    return service === undefined || base === undefined ? locate(services.read, read, generation, name) : targetOf(service, base);
  };
}

/** A promise, and what it resolved to once it has. */
interface Kept<T> {
  read: Promise<T>;
  value: T | undefined;
}

function keep<T>(read: Promise<T>, onFailed: () => void): Kept<T> {
  const kept: Kept<T> = { read, value: undefined };
  read.then((value) => (kept.value = value), onFailed);
  return kept;
}
