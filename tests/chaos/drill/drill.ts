// The chaos drill: operations with keys while every kind of process is killed, stopped or frozen in turn, in the middle of plugin installations; afterwards
// a checker compares what clients were told with the ledger of effects, the runs and their events.
import { signIn } from '#tests/support/graphql-client';
import { checkInstallations, checkLedger, checkRuns, checkStreams, checkWebhooks, type RunEnd, type Violation } from './check.js';
import { type Outcome, request } from './clients.js';
import { startDeployment } from './deployment.js';
import { type Doors, pause, pickDoor, post } from './doors.js';
import { inflict, scheduleFaults } from './faults.js';
import { follow, type Followed } from './follow.js';
import { createInstaller, type InstallationOutcome, prepareInstallations } from './installations.js';
import { openLedger, readLedger, readPluginRemains } from './ledger.js';
import type { DrillReport } from './report.js';
import type { Victim } from './victims.js';
import { receiveWebhooks } from './webhooks.js';
import { type GraphQLResult, WORK, type Work, workOf } from './work.js';

/** Whose end an installation is begun for, and dies in the middle of. */
const TAKES_PART = /^(gateway 1|worker|temporal|postgres|plugin-host)/;
/** From the acknowledgement of an installation to the fault: another step each time. */
const INTO_INSTALLATION_MS = [0, 350, 700, 1_050, 1_400];
/** Every sixth stream is left after so many events, and taken up at the other gateway. */
const LEAVE_EVERY = 6;
const LEAVE_AFTER = 2;
/** For its share of the operations a fault waits so many times the pause between two. */
const SHARE_WITHIN = 2;
/** Long pieces of work at once. */
const MAX_LONG = 64;
const QR_CODE = '@sluice/qr-code';

export interface DrillOptions {
  operations: number;
  faults: number;
  /** Between two faults at least, from ready to the next one. */
  everyMs: number;
  /** From SIGSTOP to SIGCONT. */
  freezeMs: number;
  /** For activities, of a process that is stopped. */
  drainMs: number;
  /** What a job takes. */
  jobsMs: { shortest: number; longest: number };
  clients: number;
  /** After the last fault, for everything to end. */
  settleMs: number;
  say?: (line: string) => void;
}

export async function runDrill(options: DrillOptions): Promise<DrillReport> {
  const { operations, faults, everyMs, freezeMs, drainMs, jobsMs, clients, settleMs, say = () => undefined } = options;
  const startedAt = Date.now();
  const webhooks = await receiveWebhooks();
  const takeTime = (field: string, entry: string): Promise<void> => pause(field === 'discard' ? jobsMs.shortest : toJobMs(entry, jobsMs));
  const deployment = await startDeployment({ drainMs, takeTime, say });
  try {
    say(`${deployment.victims.length} processes are ready after ${Date.now() - startedAt} ms`);
    const signInAll = async (user: string): Promise<Doors> => {
      const [first, second] = deployment.gateways;
      return [await signIn(first, user), await signIn(second, user)];
    };
    const doors = await signInAll('alice');
    const adminDoors = await signInAll('admin');
    const turns = scheduleFaults(faults);
    const streams: [string, Promise<Followed>][] = [];
    const followed = (through: Doors, operationId: string): void => {
      const turn = streams.length;
      const leaveAfter = turn % LEAVE_EVERY === 0 ? LEAVE_AFTER : Infinity;
      streams.push([operationId, follow(through, operationId, { turn, leaveAfter })]);
    };
    const installer = createInstaller({ doors: adminDoors, onAcknowledged: (id) => followed(adminDoors, id) });
    await prepareInstallations(await signIn(deployment.gateways[0], 'admin'), {
      dataDir: deployment.dataDir,
      count: turns.filter(({ name }) => TAKES_PART.test(name)).length,
    });
    await installBefore(adminDoors, QR_CODE);
    await openLedger(deployment.databaseUrl);
    say('begins');

    const suffered: DrillReport['faults'] = [];
    let faulted = 0;
    const outcomes: Outcome[] = [];
    const lost: Violation[] = [];
    const toLost = (error: unknown): void => void lost.push({ of: 'lost', text: (error as Error).message });
    let next = 0;
    const long = new Set<Promise<void>>();
    async function work(): Promise<void> {
      while (next < operations) {
        const number = next++;
        // Spread over the faults, so that each of them meets some: the shares before the faults that are over, and the one that runs.
        while (number / operations > (faulted + 1) / faults || long.size >= MAX_LONG) await pause(50);
        const onAcknowledged = (id: string): void => followed(doors, id);
        const asked = request(number, { doors, webhook: webhooks.url, onAcknowledged })
          .then((outcome) => void outcomes.push(outcome), toLost)
          .finally(() => long.delete(asked));
        if ((WORK[workOf(number)] as Work).isLong === true) long.add(asked);
        else await asked;
      }
    }
    async function inflictInTurn(): Promise<void> {
      for (const [count, turn] of turns.entries()) {
        await pause(everyMs);
        // Each fault has its share of the operations before it, unless the machine is very slow.
        for (const goOnAt = Date.now() + SHARE_WITHIN * everyMs; Date.now() < goOnAt; await pause(50))
          if (next >= (count / faults) * operations) break;
        if (TAKES_PART.test(turn.name)) {
          await installer.begin();
          await pause(INTO_INSTALLATION_MS[count % INTO_INSTALLATION_MS.length] ?? 0);
        }
        const come = await inflict(turn, deployment.victims, freezeMs);
        suffered.push(...come);
        faulted += 1;
        const took = come.map(({ name, endedMs, readyMs }) => `${name} ended after ${endedMs ?? 0} ms, ready after ${readyMs ?? 0} ms`);
        say(
          `fault ${count + 1}/${faults}: ${turn.name} ${turn.fault}: ${took.join('; ')}; ${outcomes.length} operations answered, ${long.size} long`,
        );
      }
    }
    await Promise.all([inflictInTurn(), ...Array.from({ length: clients }, work)]);
    await Promise.all(long);
    say(`checking: ${outcomes.length} operations answered, ${lost.length} lost`);

    const settledAt = Date.now() + settleMs;
    const installations: InstallationOutcome[] = (await installer.outcomes().catch(toLost)) ?? [];
    const ends = await Promise.all(outcomes.filter(({ operationId }) => operationId !== null).map(createEndReader(doors, settledAt)));
    const seen = new Map(await Promise.all(streams.map(async ([id, stream]): Promise<[string, Followed]> => [id, await stream])));
    while (checkWebhooks(webhooks.told, outcomes).some(({ of }) => of === 'lost') && Date.now() < settledAt) await pause(250);
    const ledger = [...(await readLedger(deployment.databaseUrl)), ...deployment.jobs.effects];
    const violations = [
      ...lost,
      ...checkStreams(seen),
      ...checkRuns(ends),
      ...checkWebhooks(webhooks.told, outcomes),
      ...checkLedger(ledger, operations, outcomes),
      ...checkInstallations(installations, ledger, await readPluginRemains(deployment.databaseUrl)),
    ];
    const countOf = (times: (victim: Victim) => number): Record<string, number> =>
      Object.fromEntries(deployment.victims.filter((victim) => times(victim) > 0).map((victim) => [victim.name, times(victim)]));
    const succeeded = outcomes.filter((outcome) => outcome.succeeded);
    const active = installations.filter((installation) => installation.succeeded);
    const all = [...seen.values()];
    return {
      operations,
      acknowledged: outcomes.length,
      requests: operations + installations.length,
      succeeded: succeeded.length + active.length,
      succeededAtOnce: succeeded.filter(({ attempts, retries }) => attempts === 1 && retries === 0).length,
      failures: [
        ...outcomes
          .filter((outcome) => !outcome.succeeded && !outcome.unsure)
          .map(({ entry, work: what, codes, operationId }) => `${entry} (${what}): ${codes.join()} ${operationId ?? ''}`),
        ...installations.flatMap(({ plugin, operations: runs }) =>
          runs.filter(({ status }) => status !== 'COMPLETED').map(({ id, codes }) => `${plugin}: ${codes.join()} ${id}`),
        ),
      ],
      unsure: outcomes.filter(({ unsure }) => unsure).length,
      faults: suffered,
      ownEnds: countOf(({ ownEnds }) => ownEnds),
      forcedEnds: countOf(({ forcedEnds }) => forcedEnds),
      violations,
      installations: {
        asked: installations.length,
        active: active.length,
        failedFirst: active.filter((installation) => installation.operations.length > 1).length,
      },
      compensated: ends.filter(({ compensation }) => compensation?.status === 'COMPENSATED').length,
      webhooks: webhooks.told.size,
      recoveries: countBy(ends.flatMap(({ recovery }) => (recovery === null ? [] : [recovery.status]))),
      events: {
        followed: all.length,
        reconnects: all.reduce((sum, { reconnects }) => sum + reconnects, 0),
        total: all.reduce((sum, { seqs }) => sum + seqs.length, 0),
      },
      tookMs: Date.now() - startedAt,
    };
  } finally {
    await deployment.stop();
    webhooks.close();
  }
}

/** The plugin whose fields the clients use. */
async function installBefore(doors: Doors, plugin: string): Promise<void> {
  const [door] = doors;
  const query = 'mutation Install($name: String!) { installPlugin(input: { name: $name, grantedPermissions: [] }) { operation { id } } }';
  const { data } = (await post(door, { query, variables: { name: plugin } })).body as GraphQLResult;
  const id = (data?.['installPlugin'].operation as { id: string } | null)?.id ?? '';
  const { end } = await follow(doors, id);
  if (end !== 'OperationCompleted') throw new Error(`${plugin} was not installed: ${end}`);
}

type ReadEnd = RunEnd & { recovery: { status: string } | null };

/** A few at a time. */
function createEndReader(doors: Doors, settledAt: number): (outcome: Outcome) => Promise<ReadEnd> {
  const query = 'query End($id: ID!) { operation(id: $id) { status compensation { status steps { undoes status } } recovery { status } } }';
  let free = 8;
  const read = async (id: string): Promise<Omit<ReadEnd, 'entry'> | undefined> => {
    const answer = await post(pickDoor(doors, 0), { query, variables: { id } }).catch(() => undefined);
    return ((answer?.body as GraphQLResult | undefined)?.data?.['operation'] as Omit<ReadEnd, 'entry'> | null | undefined) ?? undefined;
  };
  return async ({ entry, operationId }) => {
    while (free === 0) await pause(20);
    free -= 1;
    const giveUpAt = Math.max(settledAt, Date.now() + 10_000);
    try {
      for (;;) {
        const end = await read(operationId ?? '');
        if ((end !== undefined && /^(COMPLETED|FAILED|CANCELLED)$/.test(end.status)) || Date.now() > giveUpAt)
          return { entry, ...(end ?? { status: 'unknown', compensation: null, recovery: null }) };
        await pause(100);
      }
    } finally {
      free += 1;
    }
  };
}

/** The same each time it is asked. */
function toJobMs(entry: string, { shortest, longest }: DrillOptions['jobsMs']): number {
  return shortest + ((Number(entry.replace('entry-', '')) * 7_919) % (longest - shortest));
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
