// What callers see of the errors of a service.

export const ERROR_DETAILS = ['full', 'codes', 'masked'] as const;
export type ErrorDetail = (typeof ERROR_DETAILS)[number];

export interface ErrorPolicy {
  /**
   * `full`: text, code and all extensions. `codes`: the code, and texts only of codes whose texts are for callers.
   * `masked`: that there was an error. What is withheld stands in the log under the error's `reference`.
   */
  show: ErrorDetail;
  /** For `codes`: further codes whose texts are for callers. */
  texts?: readonly string[];
}

/**
 * Codes by which a service tells a caller what to do otherwise: their texts are written for callers. Any other may be a framework's name for a
 * fault of its own (INTERNAL, UNKNOWN), with SQL, addresses, stack lines or the names of hidden types in its text.
 */
export const CODES_FOR_CALLERS = [
  ...['BAD_USER_INPUT', 'BAD_REQUEST', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'QUOTA_EXCEEDED'],
  ...[
    'IDEMPOTENCY_KEY_REUSED',
    'REQUEST_TOO_LARGE',
    'RATE_LIMITED',
    'INVALID_ARGUMENT',
    'ALREADY_EXISTS',
    'FAILED_PRECONDITION',
    'OUT_OF_RANGE',
  ],
] as const;

/** `out_of_stock`, `outOfStock` and `OUT-OF-STOCK` are `OUT_OF_STOCK`. */
export function normalizeCode(code: string): string {
  return code
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .toUpperCase();
}
