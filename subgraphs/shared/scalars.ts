import { GraphQLScalarType, Kind } from 'graphql';
import { CodedError } from '#schema/contracts/errors';

/** RFC 3339 in UTC; the stores hold it as text. */
export const DateTime = new GraphQLScalarType<string, string>({
  name: 'DateTime',
  serialize: (value) => new Date(value as string).toISOString(),
  parseValue: parseDateTime,
  parseLiteral: (node) => parseDateTime(node.kind === Kind.STRING ? node.value : null),
});

/** Whole bytes, 0 to 2^53 - 1. */
export const ByteSize = new GraphQLScalarType<number, number>({
  name: 'ByteSize',
  serialize: (value) => parseByteSize(Number(value)),
  parseValue: parseByteSize,
  parseLiteral: (node) => parseByteSize(node.kind === Kind.INT ? Number(node.value) : null),
});

/** Standard base64. */
export const Base64 = new GraphQLScalarType<string, string>({
  name: 'Base64',
  serialize: (value) => String(value),
  parseValue: parseBase64,
  parseLiteral: (node) => parseBase64(node.kind === Kind.STRING ? node.value : null),
});

/** Names bytes that were sent before, or with the request. */
export const Upload = new GraphQLScalarType<string, string>({
  name: 'Upload',
  serialize: (value) => String(value),
  parseValue: parseUpload,
  parseLiteral: (node) => parseUpload(node.kind === Kind.STRING ? node.value : null),
});

export const JSONScalar = new GraphQLScalarType({ name: 'JSON', serialize: (value) => value });

function parseUpload(value: unknown): string {
  if (typeof value !== 'string' || !/^upl_[0-9a-f-]{36}$/.test(value))
    throw new CodedError('BAD_USER_INPUT', 'Upload: expected a file of this request, or what createUpload gave');
  return value;
}

function parseDateTime(value: unknown): string {
  if (typeof value !== 'string' || Number.isNaN(Date.parse(value))) throw new CodedError('BAD_USER_INPUT', 'DateTime: expected RFC 3339');
  return new Date(value).toISOString();
}

function parseByteSize(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new CodedError('BAD_USER_INPUT', 'ByteSize: expected a whole number of bytes');
  return value;
}

function parseBase64(value: unknown): string {
  if (typeof value !== 'string' || value.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value))
    throw new CodedError('BAD_USER_INPUT', 'Base64: expected standard base64');
  return value;
}
