import { SAGA_DIRECTIVE } from '#schema/contracts/plan';

const DECLARED = new RegExp(`\\bdirective\\s+@${SAGA_DIRECTIVE}\\b`);

/** Declares the directives on operations that the gateway itself answers; services know nothing of them. */
export function withGatewayDirectives(supergraphSdl: string): string {
  if (DECLARED.test(supergraphSdl)) return supergraphSdl;
  return `${supergraphSdl}

"All or nothing: the mutation fields that took effect are undone when a later one fails, in reverse order."
directive @${SAGA_DIRECTIVE} on MUTATION
`;
}
