import type { SupergraphActivities } from '#schema/contracts/activities';
import type { SupergraphChange } from '#schema/contracts/supergraph';
import { heartbeatDuring } from './heartbeat.js';

export function createSupergraphActivities(deps: {
  publish(request: { change: SupergraphChange; requestId: string }): Promise<{ number: number }>;
}): SupergraphActivities {
  return {
    compose_and_publish_activity: async (request) => ({ generation: (await heartbeatDuring(() => deps.publish(request))).number }),
  };
}
