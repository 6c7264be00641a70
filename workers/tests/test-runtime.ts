import { createLogger } from '#platform/logger';
import { installRuntime } from '../host.js';

export const log = createLogger({ name: 'test', level: 'fatal' });

let installed = false;

/** The SDK's runtime is one for the process, whatever worlds a test file makes. */
export function ensureRuntime(): void {
  if (!installed) installRuntime(log);
  installed = true;
}
