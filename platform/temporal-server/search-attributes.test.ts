import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEARCH_ATTRIBUTES } from '#schema/contracts/workflows';
import { type BareTemporal, startBareTemporal } from '#tests/support/bare-temporal';
import { eventually } from '#tests/support/eventually';
import { createLogger } from '../logger.js';
import { ensureSearchAttributes, type SearchAttributeServices } from './search-attributes.js';

const log = createLogger({ name: 'test', level: 'silent' });
const [KEYWORD, INT] = [2, 3];

let server: BareTemporal;
let connection: Connection;
beforeAll(async () => {
  server = await startBareTemporal();
  connection = await Connection.connect({ address: server.address });
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

/** @param has - what somebody else has registered there */
async function makeNamespace(namespace: string, has: Record<string, number> = {}): Promise<string> {
  await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: { seconds: 86_400 as never } });
  // A server learns of a new namespace a moment later.
  await eventually(
    () =>
      connection.operatorService.addSearchAttributes({ namespace, searchAttributes: has }).then(
        () => true,
        ({ message }: Error) => /attributes (are|is) not set|cannot be empty/i.test(message),
      ),
    Boolean,
  );
  return namespace;
}

const ensure = (namespace: string, services: SearchAttributeServices = connection): Promise<void> =>
  ensureSearchAttributes({ connection: services, address: server.address, namespace, log });
const registered = async (namespace: string): Promise<Record<string, number>> =>
  (await connection.operatorService.listSearchAttributes({ namespace })).customAttributes;

describe('the search attributes of a Temporal server that is not ours', () => {
  it('are registered once by all roles that start at the same time, and a start with all of them is taken then', async () => {
    const namespace = await makeNamespace('fresh');
    const connections = await Promise.all(Array.from({ length: 6 }, () => Connection.connect({ address: server.address })));
    await Promise.all(connections.map((each) => ensure(namespace, each)));
    expect(await registered(namespace)).toEqual(Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, KEYWORD])));
    await Promise.all(
      connections.map(async (each, index) => {
        const searchAttributes = new TypedSearchAttributes(
          SEARCH_ATTRIBUTES.map((name) => ({ key: defineSearchAttributeKey(name, 'KEYWORD'), value: 'x' })),
        );
        const options = { taskQueue: 'nobody', workflowId: `run-${index}`, typedSearchAttributes: searchAttributes };
        await new Client({ connection: each, namespace }).workflow.start('any', options);
        await each.close();
      }),
    );
  });

  it('are completed where some are there, and left alone where all are', async () => {
    const namespace = await makeNamespace('partly', { Kind: KEYWORD, Theirs: INT });
    await ensure(namespace);
    const all = await registered(namespace);
    expect(all).toMatchObject({ Theirs: INT, Kind: KEYWORD, Plugin: KEYWORD });
    const operatorService = {
      listSearchAttributes: () => Promise.reject(new Error('nobody should ask')),
      addSearchAttributes: () => Promise.reject(new Error('nobody should change it')),
    };
    await ensure(namespace, {
      workflowService: connection.workflowService,
      operatorService,
      withDeadline: (deadline, call) => connection.withDeadline(deadline, call),
    });
  });

  it('are refused with their names where one of another type has the name', async () => {
    const namespace = await makeNamespace('typed', { Status: INT });
    await expect(ensure(namespace)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/'typed'.*no Keywords: Status;/),
    });
  });

  it('are refused with their names and the command that registers them where the server has no room for them', async () => {
    const taken = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`Theirs${index}`, KEYWORD]));
    const namespace = await makeNamespace('full', { ...taken, Kind: KEYWORD });
    const error = await ensure(namespace).catch((thrown: unknown) => thrown as Error & { code: string });
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    const missing = SEARCH_ATTRIBUTES.filter((name) => name !== 'Kind');
    expect(error?.message).toContain(`lacks the search attributes ${missing.join(', ')} and`);
    expect(error?.message).toContain(
      `temporal operator search-attribute create --address ${server.address} --namespace full ${missing.map((name) => `--name ${name}`).join(' ')} --type Keyword`,
    );
    expect(error?.message).toContain('tcld namespace search-attributes add');
  });

  it('are not looked for in a namespace that does not exist: the command that makes it is named', async () => {
    await expect(ensure('nowhere')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/no namespace 'nowhere'.*temporal operator namespace create --address .* --namespace nowhere/),
    });
  });
});
