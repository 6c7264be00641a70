import type { SupergraphRegistry } from '#schema/contracts/supergraph';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import type { Metrics } from '#platform/metrics';
import type { GatewayConfig } from '../config.js';
import { createServiceResolver } from '../supergraph/service-resolver.js';
import type { HeaderClaims } from './header-claims.js';
import { createServiceFetcher, type ServiceFetcher } from './service-fetcher.js';

/** For a worker and a gateway of one process, or for a worker alone, which has no other part of the gateway. */
export function createFetcher(parts: {
  registry: SupergraphRegistry;
  keys: KeyRing;
  claims: HeaderClaims;
  log: Logger;
  metrics: Metrics;
  config: Pick<GatewayConfig, 'subgraph'>;
}): ServiceFetcher {
  const { registry, keys, claims, log, metrics, config } = parts;
  return createServiceFetcher({
    resolve: createServiceResolver(registry, config.subgraph.errors),
    keys,
    claims,
    log,
    limits: { maxAnswerBytes: config.subgraph.maxAnswerBytes, maxCalls: config.subgraph.maxCalls },
    compression: config.subgraph.compression,
    sharesFetches: config.subgraph.sharesFetches,
    onShared: () => metrics.sharedFetches.inc(),
    onFetched: (service, outcome, seconds) => metrics.fetchSeconds.observe({ service, outcome }, seconds),
  });
}
