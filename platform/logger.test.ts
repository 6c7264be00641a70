import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '#schema/contracts/errors';
import { createLogger, type Logger, toTemporalLogger } from './logger.js';

const CANARY = 'canary-91d2';
let log: Logger;
let read: () => string;
beforeEach(() => {
  const destination = new PassThrough();
  log = createLogger({ name: 'test', level: 'trace', destination });
  read = () => (destination.read() as Buffer | null)?.toString('utf8') ?? '';
});

describe('the log', () => {
  it.each<[string, () => void]>([
    [
      'under secret names at any depth',
      () => log.info({ a: { b: { authorization: CANARY, variables: { x: CANARY }, password: CANARY } } }, 'request'),
    ],
    ['in bearer values inside texts', () => log.info({ note: `sent Bearer ${CANARY}` }, `header was Bearer ${CANARY}`)],
    ['in database addresses', () => log.warn({ note: `postgres://user:${CANARY}@host/db` }, 'lost')],
    [
      "in foreign errors' messages",
      () => log.error({ err: new Error(`value ${CANARY} is wrong`, { cause: new TypeError(CANARY) }) }, 'failed'),
    ],
    [
      "in the SDK's failures",
      () =>
        toTemporalLogger(log).warn(`Activity failed: ${CANARY}`, {
          workflowId: 'w',
          error: { message: CANARY, type: 'NOT_FOUND', cause: CANARY },
        }),
    ],
  ])('hides secrets %s', (_, write) => {
    write();
    const text = read();
    expect(text).not.toBe('');
    expect(text).not.toContain(CANARY);
  });

  it('keeps codes, our own messages and ids', () => {
    log.error({ err: new CodedError('PORT_TAKEN', 'port 4000 is taken'), workflowId: 'w1' }, 'start failed');
    expect(JSON.parse(read())).toMatchObject({
      level: 'error',
      msg: 'start failed',
      workflowId: 'w1',
      err: { code: 'PORT_TAKEN', message: 'port 4000 is taken' },
    });
    toTemporalLogger(log).warn('Activity failed', { activityType: 'a_activity', error: { type: 'NOT_FOUND' } });
    expect(JSON.parse(read())).toMatchObject({ msg: 'Activity failed', activityType: 'a_activity', failureType: 'NOT_FOUND' });
  });
});
