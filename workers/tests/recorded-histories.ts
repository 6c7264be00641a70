import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { temporal } from '@temporalio/proto';

export type History = temporal.api.history.v1.History;
const FOLDER = new URL('../histories/', import.meta.url);
const { History: HistoryMessage } = proto.temporal.api.history.v1;

/** @param name - `<workflow type>.<behaviour>` @param runId - another one than the newest */
export async function recordHistory(name: string, address: string, workflowId: string, runId?: string): Promise<void> {
  const connection = await Connection.connect({ address });
  const history = await new Client({ connection }).workflow.getHandle(workflowId, runId).fetchHistory();
  await connection.close();
  await mkdir(FOLDER, { recursive: true });
  const plain = HistoryMessage.toObject(HistoryMessage.fromObject(history), { longs: String, bytes: String, enums: String });
  await writeFile(new URL(`${name}.json`, FOLDER), `${JSON.stringify(plain, null, 1)}\n`);
}

/** By name. */
export async function readHistories(): Promise<Map<string, History>> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.json'));
  const read = async (file: string): Promise<[string, History]> => [
    file.slice(0, -'.json'.length),
    HistoryMessage.fromObject(JSON.parse(await readFile(new URL(file, FOLDER), 'utf8')) as object),
  ];
  return new Map(await Promise.all(files.map(read)));
}
