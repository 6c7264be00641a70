import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Database } from '#platform/database/open-database';
import { createLogger } from '#platform/logger';
import { openTestDatabase } from '#platform/tests/database';
import { SCOPES } from '#schema/contracts/identity';
import type { PrincipalId, TenantId } from '#schema/contracts/ids';
import { readSdl } from '../shared/read-sdl.js';
import { faultsOfOddTexts } from '../shared/tests/odd-texts.js';
import { serveForTest, type ServiceCaller } from '../shared/tests/service-caller.js';
import { createTenantsSubgraph } from './main.js';

let database: Database;
let tenants: ServiceCaller;
beforeAll(async () => {
  database = await openTestDatabase();
  const log = createLogger({ name: 'test', level: 'silent' });
  tenants = await serveForTest((keys) => createTenantsSubgraph({ database, keys, log, demoDataAt: Date.UTC(2026, 5, 1) }));
});
afterAll(async () => {
  await tenants.close();
  await database.close();
});

it('no control character and no half of a surrogate pair in any text is a fault of the service', async () => {
  const caller = { principal: 'usr_admin' as PrincipalId, tenant: 'ten_sluice' as TenantId, scopes: SCOPES };
  expect(await faultsOfOddTexts(tenants, caller, await readSdl('tenants'))).toEqual([]);
});
