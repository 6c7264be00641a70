// Plugins that are installed while processes die: each a copy of the example under names of its own.
import { randomUUID } from 'node:crypto';
import { ERROR_CODES, isErrorCode } from '#schema/contracts/errors';
import type { Caller } from '#tests/support/graphql-client';
import { publish, signTagPlugin } from '#tests/support/demo-plugins';
import { type Door, type Doors, pause, pickDoor, post } from './doors.js';
import type { GraphQLResult } from './work.js';

const PAUSE_MS = 250;
/** For each answer. */
const PATIENCE_MS = 300_000;
/** A failed installation has taken everything back: it may be asked for again. */
const RETRIES = 3;
/** Longer than this a kill does not wait for an acknowledgement. */
const ACKNOWLEDGED_WITHIN_MS = 3_000;
const INSTALL = `mutation Install($name: String!) {
  installPlugin(input: { name: $name, grantedPermissions: [] }) { operation { id } userErrors { code } }
}`;
const ENDED = 'query Ended($id: ID!) { operation(id: $id) { status errors { code } } }';

export interface InstallationOutcome {
  plugin: string;
  /** Those that failed first, then the one that counts. */
  operations: { id: string; status: string; codes: string[] }[];
  succeeded: boolean;
  /** What its own field said in the end; null where it did not answer. */
  answered: number | null;
}

export interface Installer {
  /** Asks for the next one; resolves when that is acknowledged, or has taken too long. */
  begin(): Promise<void>;
  /** Waits for all of them. @throws Error when one has no end in time */
  outcomes(): Promise<InstallationOutcome[]>;
}

const slugOf = (number: number): string => `tag-${number}`;
const tagOf = (number: number): string => `tag${number}`;

/** Publishes `count` plugins. */
export async function prepareInstallations(admin: Caller, options: { dataDir: string; count: number }): Promise<void> {
  for (let number = 0; number < options.count; number++)
    await publish(admin, await signTagPlugin(options.dataDir, slugOf(number), tagOf(number)));
}

export function createInstaller(options: { doors: Doors; onAcknowledged: (operationId: string) => void }): Installer {
  const { doors, onAcknowledged } = options;
  const running: Promise<InstallationOutcome>[] = [];
  let turn = 0;

  /** Until `read` finds something in an answer; not to be reached is no answer. */
  async function until<T>(
    what: string,
    send: (door: Door) => Promise<unknown>,
    read: (result: GraphQLResult) => T | undefined,
  ): Promise<T> {
    for (const giveUpAt = Date.now() + PATIENCE_MS; ;) {
      const result = (await send(pickDoor(doors, turn++)).catch(() => ({}))) as GraphQLResult;
      const found = read(result);
      if (found !== undefined) return found;
      if (Date.now() > giveUpAt) throw new Error(`${what}: no answer in time; last: ${JSON.stringify(result)}`);
      await pause(PAUSE_MS);
    }
  }

  async function install(plugin: string, tag: string, onFirst: () => void): Promise<InstallationOutcome> {
    const operations: InstallationOutcome['operations'] = [];
    for (let attempt = 0; attempt <= RETRIES && operations.at(-1)?.status !== 'COMPLETED'; attempt++) {
      const key = randomUUID();
      const id = await until(
        `the installation of ${plugin}`,
        async (door) => (await post(door, { query: INSTALL, variables: { name: plugin } }, { 'idempotency-key': key })).body,
        ({ data }) => {
          const answer = data?.['installPlugin'] as { operation: { id: string } | null; userErrors: { code: string }[] } | null | undefined;
          const refused = answer?.operation === null ? answer.userErrors[0]?.code : undefined;
          if (refused !== undefined && !(isErrorCode(refused) && ERROR_CODES[refused].retryable))
            throw new Error(`${plugin}: asked for with one key, and refused with ${refused}`);
          return answer?.operation?.id;
        },
      );
      onAcknowledged(id);
      onFirst();
      const end = await until(
        `the end of ${id} (${plugin})`,
        async (door) => (await post(door, { query: ENDED, variables: { id } })).body,
        ({ data }) => {
          const found = data?.['operation'] as { status: string; errors: { code: string }[] } | null | undefined;
          return found != null && /^(COMPLETED|FAILED|CANCELLED)$/.test(found.status) ? found : undefined;
        },
      );
      operations.push({ id, status: end.status, codes: end.errors.map(({ code }) => code) });
    }
    const succeeded = operations.at(-1)?.status === 'COMPLETED';
    const read = () =>
      until(
        `the field of ${plugin}`,
        async (door) => (await post(door, { query: `query Tag { it: ${tag}Code(text: "x") { size } }`, variables: {} })).body,
        ({ data }) => data?.['it']?.size as number | undefined,
      );
    return { plugin, operations, succeeded, answered: succeeded ? await read() : null };
  }

  return {
    async begin() {
      const number = running.length;
      let isAcknowledged = (): void => undefined;
      const acknowledged = new Promise<void>((resolve) => (isAcknowledged = resolve));
      const installation = install(`@sluice/${slugOf(number)}`, tagOf(number), isAcknowledged);
      installation.catch(() => undefined);
      running.push(installation);
      await Promise.race([acknowledged, pause(ACKNOWLEDGED_WITHIN_MS)]);
    },
    outcomes: () => Promise.all(running),
  };
}
