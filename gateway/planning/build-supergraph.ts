import { ROUTER_SUPPORTED_SUPERGRAPH_FEATURES, Supergraph } from '@apollo/federation-internals';

/**
 * Features that a supergraph may link as needed for its execution or security: those of Apollo's router, except connectors. What they
 * describe is no GraphQL service, so that each fetch of their fields would fail.
 */
const SUPPORTED_FEATURES = new Set([...ROUTER_SUPPORTED_SUPERGRAPH_FEATURES].filter((url) => !url.includes('/connect/')));

/** @throws GraphQLError when the text is no supergraph, an invalid one, or one that needs what is not supported */
export function buildSupergraph(supergraphSdl: string): Supergraph {
  return Supergraph.build(supergraphSdl, { supportedFeatures: SUPPORTED_FEATURES, validateSupergraph: true });
}
