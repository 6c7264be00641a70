// The schema that callers see, as text: made in the planner's thread, so that the gateway's own only has to read it.
import { assertValidSchema, buildSchema, printSchema } from 'graphql';
import { withGatewayDirectives } from '../supergraph/gateway-directives.js';
import { buildSupergraph } from './build-supergraph.js';

/** @throws GraphQLError when the supergraph is none, or its API is no valid schema: who builds from the text need not ask again */
export function printApiSchema(supergraphSdl: string): string {
  const supergraph = buildSupergraph(withGatewayDirectives(supergraphSdl));
  const apiSdl = printSchema(supergraph.apiSchema().toGraphQLJSSchema());
  assertValidSchema(buildSchema(apiSdl));
  return apiSdl;
}
