import { CodedError } from '#schema/contracts/errors';

const UNIQUE_VIOLATION = '23505';
const FOREIGN_KEY_VIOLATION = '23503';

/** Translates a violated unique index or reference. @throws CONFLICT */
export async function unlessTaken<T>(message: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const code = (error as { code?: string }).code ?? ((error as Error).cause as { code?: string } | undefined)?.code;
    if (code === UNIQUE_VIOLATION || code === FOREIGN_KEY_VIOLATION) throw new CodedError('CONFLICT', message, { cause: error });
    throw error;
  }
}

/** Rows by id, in the order that a DataLoader asked for. */
export function inOrder<Row extends { id: string }>(ids: readonly string[], rows: readonly Row[]): (Row | undefined)[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}

export function missing(what: string, id: string): never {
  throw new CodedError('NOT_FOUND', `no ${what} ${id}`);
}
