// Joins what a plan says (generation and service name) with where that service answers right now.
// Generations never change, so their services are kept; addresses are read again after a second.
import { CodedError } from '#schema/contracts/errors';
import type { SupergraphRegistry, SupergraphService } from '#schema/contracts/supergraph';
import type { ServiceResolver, ServiceTarget } from '../fetching/service-fetcher.js';

const ADDRESSES_FRESH_MS = 1_000;
const MAX_GENERATIONS = 64;

/** For gateways and workers alike. */
export function createServiceResolver(registry: Pick<SupergraphRegistry, 'get' | 'addresses'>): ServiceResolver {
  const generations = new Map<number, Promise<ReadonlyMap<string, SupergraphService>>>();
  const targets = new WeakMap<SupergraphService, { base: string; target: ServiceTarget }>();
  let addresses: { read: Promise<ReadonlyMap<string, string>>; atMs: number } | undefined;

  function servicesOf(number: number): Promise<ReadonlyMap<string, SupergraphService>> {
    const known = generations.get(number);
    if (known !== undefined) return known;
    const reading = readServices(number);
    generations.set(number, reading);
    reading.catch(() => generations.delete(number));
    for (const oldest of generations.keys()) {
      if (generations.size <= MAX_GENERATIONS) break;
      generations.delete(oldest);
    }
    return reading;
  }

  async function readServices(number: number): Promise<ReadonlyMap<string, SupergraphService>> {
    const generation = await registry.get(number);
    if (generation === undefined) throw new CodedError('GENERATION_UNKNOWN', `supergraph generation ${number} is gone`);
    return new Map(generation.services.map((service) => [service.name, service]));
  }

  function readAddresses(): Promise<ReadonlyMap<string, string>> {
    if (addresses === undefined || performance.now() - addresses.atMs > ADDRESSES_FRESH_MS) {
      const previous = addresses?.read;
      // While the registry is away, the last addresses are a better guess than none.
      addresses = {
        read: registry.addresses().catch((error: unknown) => previous ?? Promise.reject(error as Error)),
        atMs: performance.now(),
      };
      addresses.read.catch(() => (addresses = undefined));
    }
    return addresses.read;
  }

  return async (generation, name) => {
    const [services, known] = await Promise.all([servicesOf(generation), readAddresses()]);
    const service = services.get(name);
    if (service === undefined) throw new CodedError('GENERATION_UNKNOWN', `supergraph generation ${generation} has no service '${name}'`);
    const base = known.get(service.host);
    if (base === undefined) throw new CodedError('SUBGRAPH_UNREACHABLE', `no address is known for '${service.host}'`);
    let last = targets.get(service);
    if (last?.base !== base) {
      last = { base, target: { url: new URL(base + service.path), signed: service.signed } };
      targets.set(service, last);
    }
    return last.target;
  };
}
