// Sealed payloads for people: in the JSON of Temporal's codec protocol, one by one, and only of runs that the reader may see.
import type { Payload } from '@temporalio/common';
import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import type { KeyRing } from './keys.js';
import { openPayload, placeOf } from './payload-codec.js';

/** `temporal.api.common.v1.Payload` as JSON: values of `metadata` and `data` are base64. */
export interface PayloadJson {
  metadata?: Record<string, string> | undefined;
  data?: string | undefined;
}

export interface PayloadReader {
  /**
   * @param mayRead - is asked about the workflow that the payload was sealed for, before it is opened; of what was sealed for none it gets ''
   * @returns null for what stays closed: not sealed by us (references to large payloads are not), of another namespace, under a key that is gone, or not readable
   * @throws BAD_REQUEST when it was altered, or the place that it names
   */
  open(payload: PayloadJson, mayRead: (workflowId: string) => boolean): { payload: PayloadJson; workflowId: string } | null;
}

export function createPayloadReader(keys: Pick<KeyRing, 'payload'>, { namespace }: { namespace: string }): PayloadReader {
  return {
    open(json, mayRead) {
      const payload = fromJson(json);
      const place = placeOf(payload);
      if (place === null || !place.startsWith(`${namespace}/`)) return null;
      const workflowId = place.slice(namespace.length + 1);
      if (!mayRead(workflowId)) return null;
      try {
        return { payload: toJson(openPayload(keys, payload)), workflowId };
      } catch (cause) {
        if (errorCodeOf(cause) === 'CONFIG_INVALID') return null;
        throw new CodedError('BAD_REQUEST', 'a payload was altered', { cause });
      }
    },
  };
}

function fromJson({ metadata = {}, data = '' }: PayloadJson): Payload {
  return {
    metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')])),
    data: Buffer.from(data, 'base64'),
  };
}

function toJson({ metadata, data }: Payload): PayloadJson {
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, toBase64(value)])),
    data: toBase64(data ?? new Uint8Array()),
  };
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
