// Runs are described and listed by what Temporal knows of them, and by a memo that only the keys they were encrypted with can open. One run
// whose key is not here must not hide the others: what cannot be opened reads as null.
import { type DataConverter, defaultPayloadConverter, type PayloadCodec } from '@temporalio/common';

const UNREADABLE = defaultPayloadConverter.toPayload(null);

export function tolerateUnreadable(dataConverter: DataConverter): DataConverter {
  const codecs = dataConverter.payloadCodecs ?? [];
  const tolerant: PayloadCodec = {
    async encode(payloads, context) {
      let encoded = payloads;
      for (const codec of codecs) encoded = await codec.encode(encoded, context);
      return encoded;
    },
    decode: (payloads, context) =>
      Promise.all(
        payloads.map(async (payload) => {
          try {
            let decoded = [payload];
            for (const codec of [...codecs].reverse()) decoded = await codec.decode(decoded, context);
            return decoded[0] ?? UNREADABLE;
          } catch {
            return UNREADABLE;
          }
        }),
      ),
  };
  return { ...dataConverter, payloadCodecs: [tolerant] };
}
