import { ServiceError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { readStatus, toCodedError } from './translate-errors.js';

const grpc = (code: number, details = ''): Error => Object.assign(new Error('secret text of the server'), { code, details, metadata: {} });

describe('an error of Temporal', () => {
  it.each([
    // Callers choose nothing but payloads: whatever else is refused is a fault of ours or of who runs the server.
    ['INVALID_ARGUMENT', 3, 'TEMPORAL_REFUSED', undefined],
    ['NOT_FOUND', 5, 'NOT_FOUND', undefined],
    ['PERMISSION_DENIED', 7, 'TEMPORAL_REFUSED', undefined],
    ['UNAUTHENTICATED', 16, 'TEMPORAL_REFUSED', undefined],
    ['RESOURCE_EXHAUSTED', 8, 'TEMPORAL_BUSY', { retryAfterMs: 2_000 }],
    ['FAILED_PRECONDITION', 9, 'CONFLICT', undefined],
    ['DEADLINE_EXCEEDED', 4, 'TEMPORAL_UNAVAILABLE', undefined],
    ['UNAVAILABLE', 14, 'TEMPORAL_UNAVAILABLE', undefined],
    ['INTERNAL', 13, 'TEMPORAL_UNAVAILABLE', undefined],
  ] as const)('%s has the code that says what to do', (_, status, code, details) => {
    const error = grpc(status);
    // The client throws them as they are, or wrapped.
    for (const thrown of [error, new ServiceError('Failed to list workflows', { cause: error })]) {
      expect(toCodedError(thrown)).toMatchObject({ code, ...(details === undefined ? {} : { details }), cause: thrown });
      expect(toCodedError(thrown)?.message).not.toContain('secret');
    }
  });

  it.each(['Blob data size exceeds limit.', 'Memo size exceeds limit.'])('tells callers of their size alone: %s', (details) => {
    expect(toCodedError(grpc(3, details))).toMatchObject({ code: 'REQUEST_TOO_LARGE' });
  });

  it('has its reason for the log, wherever the client has put it', () => {
    const reason = "search attribute 'Kind' is not defined";
    const error = grpc(3, reason);
    for (const thrown of [error, new ServiceError('Failed to start Workflow', { cause: error })])
      expect(readStatus(thrown)).toEqual({ status: 3, reason });
    expect(readStatus(grpc(3, 'x'.repeat(10_000))).reason).toHaveLength(500);
  });

  it('is left as it is when it is none of gRPC', () => {
    expect(toCodedError(new Error('x'))).toBeUndefined();
    expect(toCodedError(undefined)).toBeUndefined();
  });
});
