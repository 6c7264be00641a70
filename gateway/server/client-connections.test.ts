import { expect, it } from 'vitest';
import type { PrincipalId, TenantId } from '#schema/contracts/ids';
import { createClientConnections } from './client-connections.js';

it('counts for each principal of each tenant by itself, and a place is given back once', () => {
  const connections = createClientConnections(1);
  const enter = (tenant: string): (() => void) | undefined =>
    connections.enter({ tenant: tenant as TenantId, principal: 'usr_1' as PrincipalId });
  const leave = enter('ten_a');
  expect([enter('ten_a'), enter('ten_b')]).toEqual([undefined, expect.any(Function)]);
  leave?.();
  leave?.();
  expect([enter('ten_a'), enter('ten_a')]).toEqual([expect.any(Function), undefined]);
});
