import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createPayloadCodec } from './payload-codec.js';

const key = (id: string) => ({ id, key: randomBytes(32) });
const first = key('k1');
const second = key('k2');
const plain = defaultPayloadConverter.toPayload({ secret: 'canary-7f3a' });
const context = (workflowId: string) => ({ type: 'workflow', namespace: 'default', workflowId }) as never;
const codec = (...payload: { id: string; key: Buffer }[]) => createPayloadCodec({ payload }, { namespace: 'default' });

describe('the payload codec', () => {
  it('brings a payload back and shows nothing of it in between', async () => {
    const [sealed] = await codec(first).encode([plain], context('w1'));
    expect(Buffer.from(sealed?.data ?? []).toString('latin1')).not.toContain('canary');
    const [opened] = await codec(first).decode([sealed as Payload], context('w1'));
    expect(defaultPayloadConverter.fromPayload(opened as Payload)).toEqual({ secret: 'canary-7f3a' });
  });

  it('reads what an older key sealed, and writes with the newest', async () => {
    const [old] = await codec(first).encode([plain], context('w1'));
    const rotated = codec(second, first);
    expect(await rotated.decode([old as Payload], context('w1'))).toHaveLength(1);
    const [fresh] = await rotated.encode([plain], context('w1'));
    await expect(codec(first).decode([fresh as Payload], context('w1'))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it.each<[string, (sealed: Payload) => Payload]>([
    ['a plain payload', () => plain],
    ['an altered one', (sealed) => ({ ...sealed, data: Buffer.from(sealed.data ?? []).fill(0, 20, 21) })],
    [
      'one whose place was rewritten',
      (sealed) => ({ ...sealed, metadata: { ...sealed.metadata, 'encryption-place': Buffer.from('default/w2') } }),
    ],
  ])('refuses %s', async (_, change) => {
    const [sealed] = await codec(first).encode([plain], context('w1'));
    await expect(codec(first).decode([change(sealed as Payload)], context('w2'))).rejects.toMatchObject({ code: 'SERVICE_CALL_REFUSED' });
  });

  it('refuses a payload that was sealed for another workflow', async () => {
    const [sealed] = await codec(first).encode([plain], context('w1'));
    await expect(codec(first).decode([sealed as Payload], context('w2'))).rejects.toMatchObject({ code: 'SERVICE_CALL_REFUSED' });
  });
});
