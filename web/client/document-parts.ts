// Selections that several documents share.
export const FAILURE = 'failure { code message retryable }';
export const STEP = `id label status startedAt finishedAt attempt detail ${FAILURE} undoes`;
export const SUMMARY =
  'id kind title status done progress { completed total unit } startedBy { id } tenant { id } createdAt updatedAt cancellable cancelRequested';
export const LEFT = `left { step service effect undo arguments ${FAILURE} }`;
