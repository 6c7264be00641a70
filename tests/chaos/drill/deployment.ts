// The deployment under the drill: every kind of process on its own, gateways and workers twice, on PostgreSQL and a Temporal server.
import { createKeys } from '#platform/keys';
import { type JobsService, startJobs } from '#tests/support/jobs-service';
import { startPostgres } from '#tests/support/postgres';
import { findFreePorts, makeDataFolder } from '#tests/support/sluice-process';
import { startRole, startTemporal, toVictim, type Victim } from './victims.js';

const SERVICES = ['tenants', 'files', 'plugins', 'operations'] as const;

/** Whose turn comes after whose; every kind comes early. */
export const TURN = [
  'gateway 1',
  'worker 1',
  'temporal',
  'postgres',
  'plugin-host',
  'subgraph tenants',
  'gateway 2',
  'worker 2',
  'subgraph files',
  'subgraph operations',
  'subgraph plugins',
] as const;

export interface Deployment {
  gateways: readonly [string, string];
  databaseUrl: string;
  dataDir: string;
  victims: readonly Victim[];
  /** A user's own service, which is never away. */
  jobs: JobsService;
  stop(): Promise<void>;
}

export interface DeploymentOptions {
  /** Of activities, when a process is stopped. */
  drainMs: number;
  /** Between the effect of a job and its answer. */
  takeTime: (field: string, entry: string) => Promise<void>;
  say: (line: string) => void;
}

export async function startDeployment({ drainMs, takeTime, say }: DeploymentOptions): Promise<Deployment> {
  const data = await makeDataFolder();
  const jobs = await startJobs(data.path, takeTime);
  const victims: Victim[] = [];
  const stop = async (): Promise<void> => {
    // Who needs others goes first.
    for (const victim of [...victims].reverse()) await victim.stop().catch((error: unknown) => say(`${victim.name}: ${String(error)}`));
    jobs.close();
    await data.remove();
  };
  try {
    const postgres = await startPostgres();
    victims.push(toVictim(postgres));
    const ports = (await findFreePorts(10)).map(String);
    const takePort = (): string => ports.pop() as string;
    const temporalPort = takePort();
    victims.push(await startTemporal({ port: Number(temporalPort), folder: data.path }));
    const env = {
      DATABASE_URL: postgres.url,
      TEMPORAL_ADDRESS: `127.0.0.1:${temporalPort}`,
      SLUICE_KEYS: JSON.stringify(await createKeys()),
      SLUICE_DATA: data.path,
      SLUICE_WEBHOOK_PRIVATE: 'true',
      SLUICE_SUBGRAPHS: jobs.file,
      SLUICE_DRAIN_ACTIVITIES_MS: String(drainMs),
      LOG_LEVEL: 'warn',
    };
    const add = async (name: string, args: string[], own: Record<string, string> = {}): Promise<void> =>
      void victims.push(await startRole(name, args, { ...env, PORT: own['PORT'] ?? takePort(), ...own }, say));
    await Promise.all([
      ...SERVICES.map((service) => add(`subgraph ${service}`, ['subgraph', service])),
      add('plugin-host', ['plugin-host']),
    ]);
    await add('worker 1', ['worker']);
    await add('worker 2', ['worker']);
    const gateways = [takePort(), takePort()] as const;
    for (const [index, PORT] of gateways.entries()) await add(`gateway ${index + 1}`, ['gateway'], { PORT, ADMIN_PORT: '0' });
    return {
      gateways: [`http://127.0.0.1:${gateways[0]}`, `http://127.0.0.1:${gateways[1]}`],
      databaseUrl: postgres.url,
      dataDir: data.path,
      victims,
      jobs,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
