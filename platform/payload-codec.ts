// Everything that Temporal stores of ours is encrypted: AES-256-GCM, a key id for rotation, and the place it belongs to
// (namespace and workflow) as authenticated data, so that a payload cannot be moved into another run unnoticed.
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type DataConverter, type ExternalStorage, METADATA_ENCODING_KEY, type Payload, type PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { CodedError } from '#schema/contracts/errors';
import type { KeyRing } from './keys.js';

const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const PLACE = 'encryption-place';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const PayloadMessage = proto.temporal.api.common.v1.Payload;

type EncryptionKeys = Pick<KeyRing, 'payload'>;
interface Place {
  workflowId?: string | undefined;
}

/** Drawn in lots: a call for random bytes took half as long as the encryption itself. */
const unusedIvs = { bytes: Buffer.alloc(IV_BYTES * 512), at: IV_BYTES * 512 };

function takeIv(): Buffer {
  if (unusedIvs.at === unusedIvs.bytes.length) {
    randomFillSync(unusedIvs.bytes);
    unusedIvs.at = 0;
  }
  return unusedIvs.bytes.subarray(unusedIvs.at, (unusedIvs.at += IV_BYTES));
}

/** @throws (from decode) CONFIG_INVALID for an unknown key; SERVICE_CALL_REFUSED for plain, altered or moved payloads */
export function createPayloadCodec(keys: EncryptionKeys, options: { namespace: string }): PayloadCodec {
  const toPlace = (context: unknown): string => `${options.namespace}/${(context as Place | undefined)?.workflowId ?? ''}`;
  return {
    async encode(payloads, context) {
      const place = toPlace(context);
      return payloads.map((payload) => encrypt(keys, payload, place));
    },
    async decode(payloads, context) {
      const place = toPlace(context);
      return payloads.map((payload) => decrypt(keys, payload, place));
    },
  };
}

function encrypt(keys: EncryptionKeys, payload: Payload, place: string): Payload {
  const { id, key } = keys.payload[0] as KeyRing['payload'][number];
  const iv = takeIv();
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(place));
  const data = Buffer.concat([iv, cipher.update(PayloadMessage.encode(payload).finish()), cipher.final(), cipher.getAuthTag()]);
  return { metadata: { [METADATA_ENCODING_KEY]: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(id), [PLACE]: Buffer.from(place) }, data };
}

function decrypt(keys: EncryptionKeys, payload: Payload, place: string): Payload {
  if (toText(payload, METADATA_ENCODING_KEY) !== ENCODING || payload.data == null) {
    throw new CodedError('SERVICE_CALL_REFUSED', 'a payload from Temporal is not encrypted');
  }
  const sealedFor = toText(payload, PLACE);
  // A reader without context (a list, a watcher) knows no workflow; one with context must be the one it was sealed for.
  // A parent and its child seal for different workflows, and the child's input comes from the parent's side.
  if (!place.endsWith('/') && !sealedFor.endsWith('/') && sealedFor !== place) {
    throw new CodedError('SERVICE_CALL_REFUSED', 'a payload from Temporal was sealed for another workflow');
  }
  return openPayload(keys, payload);
}

/** The place that a payload says it was sealed for, `<namespace>/<workflow id>`: true once it opens. Null for what is not sealed by us. */
export function placeOf(payload: Payload): string | null {
  return toText(payload, METADATA_ENCODING_KEY) === ENCODING ? toText(payload, PLACE) : null;
}

/** Of any place. @throws CONFIG_INVALID for an unknown key; SERVICE_CALL_REFUSED when it was altered, or the place it says */
export function openPayload(keys: EncryptionKeys, payload: Payload): Payload {
  const key = keys.payload.find(({ id }) => id === toText(payload, KEY_ID))?.key;
  if (key === undefined) throw new CodedError('CONFIG_INVALID', 'a payload from Temporal needs a key that is not in SLUICE_KEYS');
  const { buffer, byteOffset, byteLength } = payload.data ?? new Uint8Array();
  const data = Buffer.from(buffer, byteOffset, byteLength);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(toText(payload, PLACE))).setAuthTag(data.subarray(-TAG_BYTES));
    const plain = Buffer.concat([decipher.update(data.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
    return PayloadMessage.decode(plain);
  } catch (cause) {
    throw new CodedError('SERVICE_CALL_REFUSED', 'a payload from Temporal was altered', { cause });
  }
}

function toText(payload: Payload, key: string): string {
  const value = payload.metadata?.[key];
  return value == null ? '' : Buffer.from(value).toString('utf8');
}

/** @param options.externalStorage - for large payloads; it gets them encrypted */
export function createDataConverter(
  keys: EncryptionKeys,
  options: { namespace: string; externalStorage?: ExternalStorage },
): DataConverter {
  const { externalStorage } = options;
  return {
    payloadCodecs: [createPayloadCodec(keys, options)],
    failureConverterPath: FAILURE_CONVERTER_PATH,
    ...(externalStorage === undefined ? {} : { externalStorage }),
  };
}

export const FAILURE_CONVERTER_PATH = fileURLToPath(new URL('./temporal-failure-converter.cjs', import.meta.url));
