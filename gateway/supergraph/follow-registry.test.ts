import { afterEach, describe, expect, it } from 'vitest';
import { CodedError } from '#schema/contracts/errors';
import type { Generation, ServedGeneration } from '#schema/contracts/supergraph';
import { createLogger } from '#platform/logger';
import { type FollowedRegistry, followRegistry } from './follow-registry.js';

const HOUR_MS = 3_600_000;
const log = createLogger({ name: 'test', level: 'silent' });

function aRegistry() {
  let newest: Generation | undefined;
  const watchers = new Set<() => void>();
  const serving = new Map<string, Pick<ServedGeneration, 'role' | 'number'>>();
  return {
    serving,
    watchers,
    isAway: false,
    publish(number: number) {
      newest = { number, digest: '', supergraphSdl: '', services: [] };
      watchers.forEach((wake) => wake());
    },
    newest() {
      return this.isAway ? Promise.reject(new CodedError('DATABASE_UNAVAILABLE', 'away')) : Promise.resolve(newest);
    },
    recordServing: async ({ instance, role, number }: { instance: string } & Pick<ServedGeneration, 'role' | 'number'>) =>
      void serving.set(instance, { role, number }),
    forgetServing: async (instance: string) => void serving.delete(instance),
    watch(wake: () => void) {
      watchers.add(wake);
      return () => void watchers.delete(wake);
    },
  };
}

describe('who follows the registry', () => {
  let followed: FollowedRegistry;
  afterEach(() => followed.close());

  it('is on the next generation as soon as it is told, and records it then', async () => {
    const registry = aRegistry();
    const taken: number[] = [];
    followed = followRegistry({
      registry,
      instance: 'w1',
      role: 'worker',
      takeOver: async ({ number }) => void taken.push(number),
      log,
      pollMs: HOUR_MS,
    });
    for (const number of [1, 2, 3]) {
      registry.publish(number);
      await expect.poll(() => registry.serving.get('w1')).toEqual({ role: 'worker', number });
    }
    expect(taken).toEqual([1, 2, 3]);
    await followed.close();
    expect([registry.serving.size, registry.watchers.size]).toEqual([0, 0]);
  });

  it('stays with what it has when the next one cannot be taken over, and says so by its number', async () => {
    const registry = aRegistry();
    let attempts = 0;
    followed = followRegistry({
      registry,
      instance: 'w1',
      role: 'plugin-host',
      takeOver: async ({ number }) => {
        if (number !== 2) return;
        attempts++;
        throw new Error('cannot');
      },
      log,
      pollMs: 1,
    });
    registry.publish(1);
    await expect.poll(() => registry.serving.get('w1')?.number).toBe(1);
    registry.publish(2);
    await expect.poll(() => attempts).toBe(1);
    registry.publish(3);
    await expect.poll(() => registry.serving.get('w1')?.number).toBe(3);
    expect(attempts).toBe(1);
  });

  it('goes on looking while the registry is away', async () => {
    const registry = aRegistry();
    registry.isAway = true;
    followed = followRegistry({ registry, instance: 'w1', role: 'worker', takeOver: () => Promise.resolve(), log, pollMs: 1 });
    registry.publish(1);
    registry.isAway = false;
    await expect.poll(() => registry.serving.get('w1')?.number).toBe(1);
  });
});
