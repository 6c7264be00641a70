import type { ServiceHeaders } from '#schema/contracts/headers';
import type { TraceContext } from '#schema/contracts/trace';

/** What of a caller's request goes on to the services, beside the operation. */
export interface Onward {
  /** Absent: a new one begins with the operation. */
  trace?: TraceContext | undefined;
  /** For the users' own services alone. */
  headers?: ServiceHeaders | undefined;
}
