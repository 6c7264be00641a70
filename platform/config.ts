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
  throw new CodedError('CONFIG_INVALID', `wrong settings: ${mistakes.join(' · ')}`);
}
