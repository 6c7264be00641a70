// The chaos drill: operations with keys while every kind of process is killed in turn; afterwards a checker compares what clients were
// told with what is in the services' tables and in the runs' events.
import pg from 'pg';
import { createKeys } from '#platform/keys';
import { eventually } from '#tests/support/eventually';
import { signIn } from '#tests/support/graphql-client';
import { startPostgres } from '#tests/support/postgres';
import { findFreePorts, makeDataFolder } from '#tests/support/sluice-process';
import { checkLedgers, checkStreams, type Ledgers } from './check.js';
import { type Door, follow, type Followed, type Outcome, record } from './clients.js';
import { startRole, startTemporal, toVictim, type Victim } from './victims.js';

/** What a killed process may take on a busy machine; the report tells what it took. */
const READY_WITHIN_MS = 20_000;

export interface DrillOptions {
  operations: number;
  kills: number;
  /** Between two kills, from ready to kill. */
  everyMs: number;
  clients: number;
  /** After the last kill, for everything to end. */
  settleMs: number;
  say?: (line: string) => void;
}

export interface DrillReport {
  operations: number;
  acknowledged: number;
  succeeded: number;
  succeededAtOnce: number;
  failures: string[];
  kills: { name: string; readyMs: number }[];
  /** Processes that ended without being killed, by name. */
  ownEnds: Record<string, number>;
  /** What the drill is about: empty when nothing was lost, doubled or left out. */
  violations: string[];
  events: { followed: number; reconnects: number; total: number };
  tookMs: number;
}

export async function runDrill(options: DrillOptions): Promise<DrillReport> {
  const { operations, kills, everyMs, clients, settleMs, say = () => undefined } = options;
  const startedAt = Date.now();
  const data = await makeDataFolder();
  const victims: Victim[] = [];
  const postgres = await startPostgres();
  victims.push(toVictim(postgres));
  try {
    const ports = await findFreePorts(8);
    const [temporalPort, gatewayPort, adminPort, ...rolePorts] = ports as [number, number, number, ...number[]];
    victims.push(await startTemporal({ port: temporalPort, folder: data.path }));
    const env = {
      DATABASE_URL: postgres.url,
      TEMPORAL_ADDRESS: `127.0.0.1:${temporalPort}`,
      SLUICE_KEYS: JSON.stringify(await createKeys()),
      SLUICE_DATA: data.path,
      LOG_LEVEL: 'warn',
    };
    const roles: [string[], Record<string, string>][] = [
      [['subgraph', 'tenants'], {}],
      [['subgraph', 'files'], {}],
      [['subgraph', 'operations'], {}],
      [['worker'], {}],
      [['gateway'], { PORT: String(gatewayPort), ADMIN_PORT: String(adminPort) }],
    ];
    for (const [index, [args, own]] of roles.entries())
      victims.push(await startRole(args, { ...env, PORT: String(rolePorts[index]), ...own }, say));
    say(`${victims.length} processes are ready`);

    const url = `http://127.0.0.1:${gatewayPort}`;
    const { token } = await signIn(url, 'alice');
    const door: Door = { url, token };
    const killed: DrillReport['kills'] = [];
    let killing = true;
    const giveUpAt = Date.now() + kills * (everyMs + READY_WITHIN_MS) + settleMs;

    const outcomes: Outcome[] = [];
    const lost: string[] = [];
    const followed = new Map<string, Promise<Followed>>();
    let next = 0;
    async function work(): Promise<void> {
      while (next < operations) {
        const number = next++;
        // Spread over the kills, so that each of them meets some: the shares before the kills that were done, and the one that runs.
        while (number / operations > (killed.length + 1) / kills) await new Promise((resolve) => setTimeout(resolve, 50));
        const entry = `entry-${number}`;
        const outcome = await record(door, entry, giveUpAt).catch((error: unknown) => void lost.push((error as Error).message));
        if (outcome === undefined) continue;
        outcomes.push(outcome);
        followed.set(outcome.operationId, follow(door, outcome.operationId, giveUpAt));
      }
    }
    async function killInTurn(): Promise<void> {
      const turn = ['gateway', 'worker', 'temporal', 'postgres', 'subgraph tenants', 'subgraph files', 'subgraph operations'];
      for (let count = 0; count < kills; count++) {
        await new Promise((resolve) => setTimeout(resolve, everyMs));
        const name = turn[count % turn.length] as string;
        const victim = victims.find((candidate) => candidate.name === name);
        if (victim === undefined) continue;
        const readyMs = await victim.kill();
        killed.push({ name, readyMs });
        say(`kill ${count + 1}/${kills}: ${name}, ready again after ${readyMs} ms; ${outcomes.length} operations acknowledged`);
      }
      killing = false;
    }
    await Promise.all([killInTurn(), ...Array.from({ length: clients }, work)]);
    if (killing) throw new Error('the kills did not end');
    say('checking');

    const streams = new Map(await Promise.all([...followed].map(async ([id, stream]): Promise<[string, Followed]> => [id, await stream])));
    const violations = [
      ...lost,
      ...checkStreams(streams),
      ...(await checkRuns(door, outcomes, settleMs)),
      ...checkLedgers(await readLedgers(postgres.url), operations, outcomes),
    ];
    return {
      operations,
      acknowledged: outcomes.length,
      succeeded: outcomes.filter(({ succeeded }) => succeeded).length,
      succeededAtOnce: outcomes.filter(({ succeeded, attempts, retries }) => succeeded && attempts === 1 && retries === 0).length,
      failures: outcomes.filter(({ succeeded }) => !succeeded).map(({ entry, codes }) => `${entry}: ${codes.join()}`),
      kills: killed,
      ownEnds: Object.fromEntries(victims.filter(({ ownEnds }) => ownEnds > 0).map(({ name, ownEnds }) => [name, ownEnds])),
      violations,
      events: {
        followed: streams.size,
        reconnects: [...streams.values()].reduce((sum, { reconnects }) => sum + reconnects, 0),
        total: [...streams.values()].reduce((sum, { seqs }) => sum + seqs.length, 0),
      },
      tookMs: Date.now() - startedAt,
    };
  } finally {
    for (const victim of victims.reverse()) await victim.stop().catch((error: unknown) => say(`${victim.name}: ${String(error)}`));
    await data.remove();
  }
}

/** Whatever was acknowledged has ended. */
async function checkRuns(door: Door, outcomes: readonly Outcome[], settleMs: number): Promise<string[]> {
  const violations: string[] = [];
  for (const { entry, operationId } of outcomes) {
    const ask = async (): Promise<string> => {
      const response = await fetch(`${door.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${door.token}` },
        body: JSON.stringify({ query: 'query ($id: ID!) { operation(id: $id) { status } }', variables: { id: operationId } }),
      });
      return ((await response.json()) as { data?: { operation?: { status?: string } | null } }).data?.operation?.status ?? 'unknown';
    };
    const isOver = (status: string): boolean => status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELLED';
    await eventually(ask, isOver, settleMs).catch((error: unknown) =>
      violations.push(`${entry} has not ended: ${(error as Error).message}`),
    );
  }
  return violations;
}

async function readLedgers(databaseUrl: string): Promise<Ledgers> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  const read = async (sql: string): Promise<string[]> => (await client.query<{ entry: string }>(sql)).rows.map(({ entry }) => entry);
  try {
    return {
      reserved: await read("select id as entry from tenants.storage_reservations where id like 'entry-%'"),
      created: await read("select name as entry from files.folders where name like 'entry-%'"),
    };
  } finally {
    await client.end();
  }
}
