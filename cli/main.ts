#!/usr/bin/env node
// The `sluice` command: reads the command line, runs one command, turns every failure into one clear sentence.
import { errorCodeOf } from '#schema/contracts/errors';
import { readCliConfig } from './config.js';

const USAGE = `sluice — a GraphQL federation gateway whose work is durable

  sluice start                     everything in one process, with embedded defaults
  sluice start gateway             one role as a process of its own; needs DATABASE_URL and TEMPORAL_ADDRESS
  sluice start worker
  sluice start subgraph <name>     tenants, files, plugins or operations
  sluice start plugin-host
  sluice token --user <name>       a token of a demo user: admin, operator, viewer, alice, bob
               [--ttl <seconds>]
  sluice keys                      a new set of keys, for SLUICE_KEYS
  sluice compose [--out <file>]    composes the subgraphs and prints the supergraph;
                 [--config <supergraph.yaml>]  only those listed there
  sluice check [--config <file>]   do they compose, and what would break for clients of
               [--against <supergraph file>]   that one? 0 = good, 1 = no, 3 = breaks
  sluice plugin keygen|pack|sign|publish …

Settings are environment variables: docs/config.md.`;

async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [command, ...rest] = argv;
  switch (command) {
    case 'start':
      return (await import('./start/start.js')).start(rest, readCliConfig(env), env);
    case 'token':
      return (await import('./token.js')).printToken(rest, readCliConfig(env), env);
    case 'keys':
      return (await import('./keys.js')).printNewKeys();
    case 'compose':
      return (await import('./compose.js')).compose(rest, readCliConfig(env));
    case 'check':
      return (await import('./compose.js')).check(rest, readCliConfig(env));
    case 'plugin':
      return (await import('./plugin/main.js')).runPluginCommand(rest, readCliConfig(env), env);
    case 'help':
    case '--help':
    case '-h':
    case undefined:
      console.log(USAGE);
      return command === undefined ? 2 : 0;
    default:
      console.error(`sluice: there is no command '${command}'\n\n${USAGE}`);
      return 2;
  }
}

let exitCode = 1;
try {
  exitCode = await main(process.argv.slice(2), process.env);
} catch (error) {
  const code = errorCodeOf(error);
  // Without a code it is a defect of ours: the stack is what helps.
  console.error(code === undefined ? error : `sluice: ${(error as Error).message} (${code})`);
}
// Everything that was opened is closed by now; a native module's idle thread must not keep the process.
process.exit(exitCode);
