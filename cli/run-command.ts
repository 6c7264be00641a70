// Runs one command and turns every failure into one clear sentence.
import { CommanderError } from 'commander';
import { errorCodeOf } from '#schema/contracts/errors';
import { createProgram } from './program.js';

const FAILED = 1;
/** What was asked for cannot be: an unknown flag, a missing file, a wrong setting. */
const WRONG_USE = 2;
const WRONG_USE_CODES: readonly unknown[] = ['BAD_USER_INPUT', 'CONFIG_INVALID'];

/** @returns the exit code: 0 done, 1 failed, 2 wrong use, 3 `check` found what breaks clients */
export async function runCommand(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  let exitCode = 0;
  const program = createProgram(env, (code) => (exitCode = code));
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has said what is wrong, or printed the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USE;
    const code = errorCodeOf(error);
    // Without a code it is a defect of ours: the stack is what helps.
    console.error(code === undefined ? error : `sluice: ${(error as Error).message} (${code})`);
    return WRONG_USE_CODES.includes(code) ? WRONG_USE : FAILED;
  }
}
