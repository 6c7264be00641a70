import type { z } from 'zod';
import { CodedError } from '#schema/contracts/errors';

/**
 * Reads settings out of environment variables; empty ones count as unset.
 *
 * @throws CONFIG_INVALID that names every wrong setting, what was expected and what came, a line each. Values of
 *   settings whose name looks secret are not repeated.
 */
export function parseEnvironment<T extends z.ZodType>(schema: T, env: NodeJS.ProcessEnv): z.output<T> {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = schema.safeParse(set);
  if (parsed.success) return parsed.data;
  const mistakes = parsed.error.issues.map((issue) => {
    const name = issue.path.join('.') || 'environment';
    const value = set[String(issue.path[0])];
    const got =
      value === undefined ? 'nothing' : /KEY|SECRET|TOKEN|PASSWORD|DATABASE_URL/.test(name) ? 'a value that is not shown' : `'${value}'`;
    return `${name}: ${issue.message}; got ${got}`;
  });
  throw new WrongSettings(mistakes);
}

/** CONFIG_INVALID with each mistake by itself. */
class WrongSettings extends CodedError {
  constructor(readonly mistakes: readonly string[]) {
    super('CONFIG_INVALID', `wrong settings: ${mistakes.join(' · ')}`);
  }
}

/**
 * Reads groups of settings of one environment.
 *
 * @throws CONFIG_INVALID that names the mistakes of all groups, each once
 */
export function readTogether<Groups extends readonly unknown[]>(...readers: { [N in keyof Groups]: () => Groups[N] }): Groups {
  const mistakes = new Set<string>();
  const groups = readers.map((read) => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof WrongSettings)) throw error;
      for (const mistake of error.mistakes) mistakes.add(mistake);
      return undefined;
    }
  });
  if (mistakes.size > 0) throw new WrongSettings([...mistakes]);
  return groups as unknown as Groups;
}
