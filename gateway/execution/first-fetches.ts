import type { JsonObject } from '#schema/contracts/json';
import type { ExecutablePlan, ServiceFetch } from '#schema/contracts/plan';
import { startExecution } from './start-execution.js';

/** What a plan asks before anything is answered. */
export function firstFetches(plan: ExecutablePlan, variables: JsonObject): ServiceFetch[] {
  const first: ServiceFetch[] = [];
  const fetch = (one: ServiceFetch): Promise<never> => {
    first.push(one);
    return new Promise(() => undefined);
  };
  void startExecution({ plan, variables, port: { fetch } });
  return first;
}
