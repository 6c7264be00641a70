/** Where a request stands in a distributed trace, in the two headers of W3C Trace Context. Not secret. */
export interface TraceContext {
  /** `00-<trace id>-<parent id>-<flags>`, valid. */
  traceparent: string;
  /** What tracing systems say to themselves; at most 512 characters, valid. */
  tracestate: string | null;
}
