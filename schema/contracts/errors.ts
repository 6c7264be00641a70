// The one registry of error codes. A code never changes its meaning; docs/errors.md is generated from here.

interface ErrorCodeInfo {
  /** May the same call succeed later without a change by the caller? */
  retryable: boolean;
  /** HTTP status when the error ends a request before GraphQL could run; 200 = only ever inside a GraphQL answer. */
  http: number;
  meaning: string;
}

export const ERROR_CODES = {
  // The door
  UNAUTHENTICATED: { retryable: false, http: 401, meaning: 'No credential came, or it is malformed, forged, expired or revoked.' },
  FORBIDDEN: { retryable: false, http: 403, meaning: 'The caller is known but lacks the scope or the origin is not on the list.' },
  HOST_NOT_ALLOWED: { retryable: false, http: 421, meaning: 'The request came by a name (Host) that is none of this server.' },
  BAD_REQUEST: { retryable: false, http: 400, meaning: 'The HTTP request is not a well-formed GraphQL request.' },
  GRAPHQL_PARSE_FAILED: { retryable: false, http: 400, meaning: 'The document is not valid GraphQL syntax.' },
  GRAPHQL_VALIDATION_FAILED: { retryable: false, http: 400, meaning: 'The document does not fit the schema or breaks a document limit.' },
  OPERATION_RESOLUTION_FAILURE: {
    retryable: false,
    http: 400,
    meaning: 'The document holds no operation of that name, or several and none was named.',
  },
  PERSISTED_QUERY_NOT_FOUND: { retryable: false, http: 200, meaning: 'The manifests of trusted documents hold no document of that id.' },
  PERSISTED_QUERY_NOT_SUPPORTED: {
    retryable: false,
    http: 200,
    meaning: 'The hash names no trusted document, and documents are not registered by sending them: send the whole document.',
  },
  DOCUMENT_NOT_TRUSTED: {
    retryable: false,
    http: 403,
    meaning: 'This client may send trusted documents only, and the document is in no manifest.',
  },
  BAD_USER_INPUT: { retryable: false, http: 200, meaning: 'A variable or an argument does not have the expected shape or value.' },
  REQUEST_TOO_LARGE: { retryable: false, http: 413, meaning: 'The request body or message is over the limit.' },
  LINK_INVALID: { retryable: false, http: 403, meaning: 'The link for sending or fetching bytes is forged or has expired.' },
  NOT_FOUND: { retryable: false, http: 404, meaning: 'Nothing of that id exists for this caller.' },
  CONFLICT: { retryable: false, http: 409, meaning: 'The object exists already or was changed meanwhile.' },
  IDEMPOTENCY_KEY_REUSED: { retryable: false, http: 422, meaning: 'The Idempotency-Key came before, with another request.' },
  QUOTA_EXCEEDED: { retryable: false, http: 200, meaning: "The tenant's quota does not allow it." },
  INTERNAL_SERVER_ERROR: { retryable: false, http: 500, meaning: 'Something failed here; the reference id finds it in the log.' },

  // Start-up
  CONFIG_INVALID: { retryable: false, http: 500, meaning: 'A setting has a wrong value.' },
  PORT_TAKEN: { retryable: false, http: 500, meaning: 'Another program listens on a port that is needed.' },
  DATA_LOCKED: { retryable: false, http: 500, meaning: 'Another process uses the data folder.' },
  TEMPORAL_UNAVAILABLE: { retryable: true, http: 503, meaning: 'The Temporal server does not answer.' },
  TEMPORAL_BUSY: {
    retryable: true,
    http: 503,
    meaning: 'The Temporal server answers, and takes no more calls of this kind now; `retryAfterMs` says when to ask again.',
  },
  TEMPORAL_REFUSED: {
    retryable: false,
    http: 500,
    meaning:
      "The Temporal server refused a call of this deployment: whoever runs it has to look at the log, which says why, and at the namespace's permissions and search attributes.",
  },
  RUN_TOO_LARGE: {
    retryable: false,
    http: 413,
    meaning: 'The operation needs a durable run, which cannot hold its variables; nothing was sent. `maximum` and `actual` are bytes.',
  },
  PART_LOST: {
    retryable: true,
    http: 503,
    meaning: 'A part of this process (a thread, its Temporal server) ended while it worked on this. Another one takes its place.',
  },
  DATABASE_UNAVAILABLE: { retryable: true, http: 503, meaning: 'The database does not answer.' },

  // Planning and composition
  PLAN_FAILED: { retryable: false, http: 200, meaning: 'The planner found no way to answer the operation.' },
  PLAN_TIMEOUT: { retryable: false, http: 200, meaning: 'Planning took longer than its limit.' },
  PLAN_TOO_LARGE: { retryable: false, http: 200, meaning: 'The plan has more fetches than one run may have.' },
  COMPOSITION_FAILED: { retryable: false, http: 200, meaning: 'The subgraphs do not compose into one supergraph.' },
  GENERATION_UNKNOWN: { retryable: false, http: 200, meaning: 'The supergraph generation that the run was planned for is gone.' },

  // Services
  SUBGRAPH_UNREACHABLE: { retryable: true, http: 200, meaning: 'A service could not be reached.' },
  SUBGRAPH_BUSY: {
    retryable: true,
    http: 200,
    meaning: 'A service has as many unanswered calls as it may have at once; this one was not sent.',
  },
  SUBGRAPH_UNAVAILABLE: {
    retryable: true,
    http: 200,
    meaning: 'A service asked to be called later (status 429 or 503); `retryAfterMs` says when, where it said so.',
  },
  SUBGRAPH_TIMEOUT: { retryable: true, http: 200, meaning: 'A service gave no complete answer within its time-out.' },
  SUBGRAPH_BAD_ANSWER: {
    retryable: false,
    http: 200,
    meaning: 'A service answered something that is not a GraphQL response, or a redirect.',
  },
  SUBGRAPH_ANSWER_TOO_LARGE: { retryable: false, http: 200, meaning: "A service's answer is over the size limit." },
  SUBGRAPH_ERROR: { retryable: false, http: 200, meaning: 'A service reported an error without a code of its own, or its code is masked.' },
  SERVICE_CALL_REFUSED: { retryable: false, http: 401, meaning: 'A call to a service was unsigned, altered, replayed or too old.' },
  OUTCOME_UNKNOWN: {
    retryable: false,
    http: 200,
    meaning: 'A mutation was sent and its answer was lost: it may or may not have taken effect.',
  },
  CREDENTIAL_EXPIRED: {
    retryable: false,
    http: 200,
    meaning: "A service needs headers of the caller, and they were kept for the run's deadline only.",
  },
  INVALID_RESPONSE: { retryable: false, http: 200, meaning: 'A service returned null or a wrong value where the schema promises one.' },

  // Operations
  SAGA_NOT_COMPENSABLE: {
    retryable: false,
    http: 200,
    meaning: 'A mutation field of the saga has no undo, or the caller may not use it; nothing was started.',
  },
  STEP_UNDONE: { retryable: false, http: 200, meaning: 'The mutation took effect and was undone, since its saga could not be finished.' },
  STEP_NOT_STARTED: { retryable: false, http: 200, meaning: 'The mutation was not sent, since an earlier one of its saga failed.' },
  COMPENSATION_FAILED: {
    retryable: false,
    http: 200,
    meaning: 'The mutation may have taken effect and could not be undone: what it did has to be undone by hand.',
  },
  DEADLINE_EXCEEDED: {
    retryable: true,
    http: 200,
    meaning: 'The deadline passed before the work was done; what was finished is in the answer.',
  },
  OPERATION_CANCELLED: { retryable: false, http: 200, meaning: 'The operation was cancelled.' },
  OPERATION_TERMINATED: { retryable: false, http: 200, meaning: 'The run was ended by force from outside.' },
  OPERATION_IN_PROGRESS: { retryable: true, http: 409, meaning: 'Another operation on the same object is still running.' },
  WEBHOOK_UNDELIVERED: {
    retryable: false,
    http: 200,
    meaning: "The receiver of an operation's webhook did not take the message within its attempts, or may not be called.",
  },
  SUBSCRIPTION_OVERFLOW: {
    retryable: true,
    http: 200,
    meaning: 'Events came faster than the subscriber read them; it may subscribe again from its last cursor.',
  },
  SUBSCRIPTION_OUTDATED: {
    retryable: false,
    http: 200,
    meaning: 'The supergraph changed and what the subscription selects is not in it any more.',
  },
  OPERATION_UNREADABLE: {
    retryable: false,
    http: 500,
    meaning: 'The operation is encrypted with a key that this deployment does not have; its status is known, its content is not.',
  },
  CURSOR_INVALID: { retryable: false, http: 200, meaning: 'The cursor was not issued for this operation.' },

  // Plugins
  PLUGIN_NOT_FOUND: { retryable: false, http: 200, meaning: 'The catalog has no plugin of that name.' },
  VERSION_NOT_FOUND: { retryable: false, http: 200, meaning: 'The plugin has no such version.' },
  ALREADY_INSTALLED: { retryable: false, http: 200, meaning: 'The plugin is installed already.' },
  PACKAGE_UNSAFE_PATH: { retryable: false, http: 200, meaning: 'The archive holds a link, an absolute path or a path that leaves it.' },
  PACKAGE_TOO_LARGE: { retryable: false, http: 200, meaning: 'The archive is over a size or count limit.' },
  PACKAGE_INVALID: { retryable: false, http: 200, meaning: 'The package is not a gzipped tar with the files a plugin needs.' },
  MANIFEST_INVALID: { retryable: false, http: 200, meaning: 'plugin.json has an unknown field or a wrong value.' },
  DIGEST_MISMATCH: { retryable: false, http: 200, meaning: 'A file or the package does not have the digest that was promised.' },
  SIGNATURE_MISSING: { retryable: false, http: 200, meaning: 'The package carries no signature.' },
  SIGNATURE_INVALID: { retryable: false, http: 200, meaning: 'The signature does not fit the package.' },
  PUBLISHER_UNTRUSTED: {
    retryable: false,
    http: 200,
    meaning: 'The signing key does not belong to a trusted publisher of that namespace.',
  },
  SCHEMA_CONFLICT: { retryable: false, http: 200, meaning: "The plugin's schema does not compose with the supergraph." },
  SCHEMA_POLICY_VIOLATION: {
    retryable: false,
    http: 200,
    meaning: "The plugin's schema overrides a foreign type, uses a reserved name or lacks its prefix.",
  },
  SCAN_BLOCKED: { retryable: false, http: 200, meaning: 'The security scan found something of high severity.' },
  SCAN_INCOMPLETE: { retryable: true, http: 200, meaning: 'A check of the security scan crashed; nothing is assumed safe.' },
  PERMISSION_ESCALATION: { retryable: false, http: 200, meaning: 'The plugin uses or asks for more than was granted.' },
  PERMISSION_DENIED: { retryable: false, http: 200, meaning: 'The plugin called something it has no permission for.' },
  LOAD_FAILED: { retryable: false, http: 200, meaning: 'The plugin threw or lacked something while loading.' },
  HOST_INCOMPATIBLE: { retryable: false, http: 200, meaning: 'The plugin wants another version of the gateway or SDK.' },
  RUNTIME_UNAVAILABLE: { retryable: false, http: 200, meaning: 'The sandbox tier that the plugin wants is not available here.' },
  CPU_LIMIT: { retryable: true, http: 200, meaning: 'The plugin used more time than it may.' },
  MEMORY_LIMIT: { retryable: true, http: 200, meaning: 'The plugin used more memory than it may.' },
  OUTPUT_LIMIT: { retryable: false, http: 200, meaning: 'The plugin returned more than it may.' },
  HOSTCALL_LIMIT: { retryable: false, http: 200, meaning: 'The plugin made more host calls than it may.' },
  CONCURRENCY_LIMIT: { retryable: true, http: 200, meaning: 'The plugin is serving as many calls as it may at once.' },
  PLUGIN_ERROR: { retryable: false, http: 200, meaning: "The plugin's resolver threw." },
  RESULT_INVALID: { retryable: false, http: 200, meaning: 'The plugin returned something that is not JSON or does not fit its schema.' },
  PLUGIN_REMOVED: { retryable: false, http: 200, meaning: 'The plugin version that was asked is not loaded any more.' },
  GENERATION_CONFLICT: { retryable: true, http: 200, meaning: 'Another change to the supergraph was published first.' },
  GENERATION_NOT_SERVED: { retryable: true, http: 200, meaning: 'Not every gateway took over the new supergraph in time.' },
  PROBE_FAILED: { retryable: true, http: 200, meaning: 'The new plugin did not answer its probe.' },
} as const satisfies Record<string, ErrorCodeInfo>;

export type ErrorCode = keyof typeof ERROR_CODES;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CODES, value);
}

/**
 * In `extensions.origin` of an error that a user's own service reported: its code is shown, and belongs to the service, whatever it is
 * called. Errors of the gateway and of its signed services, which speak this registry, have no origin.
 */
export const SERVICE_ORIGIN = 'service';

/** What an error means here. Statuses, retries and recoveries follow this code, never the one that a service chose. */
export function registryCodeOf({
  extensions,
}: {
  readonly extensions: { readonly code: string; readonly [key: string]: unknown };
}): ErrorCode {
  const { code, origin } = extensions;
  return origin !== SERVICE_ORIGIN && isErrorCode(code) ? code : 'SUBGRAPH_ERROR';
}

/**
 * An error whose code and message may be shown to callers: never put a secret or foreign text in the message.
 * Compare codes, not classes: `instanceof` does not survive serialization.
 */
export class CodedError extends Error {
  override readonly name = 'CodedError';
  readonly code: ErrorCode;
  /** Facts for the caller, safe to show. */
  readonly details: Readonly<Record<string, string | number | boolean | null>> | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, string | number | boolean | null>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
  }

  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }
}

/** @returns the code of a {@link CodedError}, also of one that crossed a process or copy of this module */
export function errorCodeOf(error: unknown): ErrorCode | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return isErrorCode(code) ? code : undefined;
}
