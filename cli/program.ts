// What the command line offers. Each command is a file of its own, loaded when it runs: `sluice token` should not wait for Apollo.
import { readFileSync } from 'node:fs';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { DEV_USERS } from '#platform/identity/dev-tokens';
import { SHELLS, writeCompletion } from './completion.js';
import { readCliConfig } from './config.js';
import { type Role, ROLES, SUBGRAPH_NAMES, type SubgraphName } from './roles.js';

/** @param exit - gets the exit code of the command that ran */
export function createProgram(env: NodeJS.ProcessEnv, exit: (code: number) => void): Command {
  const config = () => readCliConfig(env);
  const program = new Command('sluice')
    .description('a GraphQL federation gateway whose work is durable')
    .version(readVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', '\nSettings are environment variables: docs/config.md.')
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'sluice: ')) })
    .exitOverride();

  program
    .command('start')
    .description('start everything in one process with embedded defaults, or one role as a process of its own')
    .addArgument(new Argument('[role]', 'needs DATABASE_URL and TEMPORAL_ADDRESS').choices(ROLES))
    .addArgument(new Argument('[name]', 'of the subgraph').choices(SUBGRAPH_NAMES))
    .option('--new-keys', 'make keys when SLUICE_DATA has lost them, and go on without what was sealed with them')
    .action(async (role: Role | undefined, name: SubgraphName | undefined, options: { newKeys?: boolean }, command: Command) => {
      if ((role === 'subgraph') !== (name !== undefined))
        command.error(
          `error: ${name === undefined ? `start subgraph: expected one of ${SUBGRAPH_NAMES.join(', ')}` : `start ${role}: expected no name, got '${name}'`}`,
        );
      exit(await (await import('./start/start.js')).start(role, name, env, options));
    });

  program
    .command('token')
    .description('print a token of a demo user')
    .addOption(new Option('--user <name>', 'whose').choices(Object.keys(DEV_USERS)).makeOptionMandatory())
    .option('--ttl <seconds>', 'how long it is good for', parseSeconds, 3_600)
    .action(async ({ user, ttl }: { user: keyof typeof DEV_USERS; ttl: number }) =>
      exit(await (await import('./token.js')).printToken(user, ttl, config(), env)),
    );

  program
    .command('keys')
    .description('print a new set of keys for SLUICE_KEYS: keep it like a password')
    .action(async () => exit(await (await import('./keys.js')).printNewKeys()));

  program
    .command('compose')
    .description('compose the subgraphs and print the supergraph')
    .option('--out <file>', 'write it there')
    .option('--config <supergraph.yaml>', 'only the services listed there')
    .action(async (options: { out?: string; config?: string }) => exit(await (await import('./compose.js')).compose(options, config())));

  program
    .command('check')
    .description('do the subgraphs compose, and what would break for clients? 0 = good, 1 = they do not, 3 = it breaks')
    .option('--config <supergraph.yaml>', 'only the services listed there')
    .option('--against <supergraph>', 'clients of this composed file')
    .action(async (options: { config?: string; against?: string }) => exit(await (await import('./compose.js')).check(options, config())));

  addPluginCommands(program.command('plugin').description('make, sign and publish plugins'), exit, env);

  program
    .command('completion')
    .description('print a completion script: source <(sluice completion bash)')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action((shell: (typeof SHELLS)[number]) => {
      console.log(writeCompletion(program, shell));
      exit(0);
    });
  return program;
}

function addPluginCommands(plugin: Command, exit: (code: number) => void, env: NodeJS.ProcessEnv): void {
  const commands = () => import('./plugin/commands.js');
  plugin
    .command('keygen')
    .description('make a signing key; prints the public half for SLUICE_PUBLISHERS')
    .requiredOption('--publisher <name>', 'whose key')
    .requiredOption('--out <key.json>', 'where the secret half goes; must not exist')
    .action(async ({ publisher, out }: { publisher: string; out: string }) => exit(await (await commands()).keygen(publisher, out)));
  plugin
    .command('pack')
    .description('bundle a folder into a package')
    .argument('<folder>', 'with plugin.json, schema.graphql and src/plugin.js')
    .option('--out <file.tgz>', 'where it goes')
    .action(async (folder: string, { out }: { out?: string }) => exit(await (await commands()).pack(folder, out)));
  plugin
    .command('sign')
    .description('sign a package in place')
    .argument('<file.tgz>')
    .requiredOption('--key <key.json>', 'of plugin keygen')
    .action(async (file: string, { key }: { key: string }) => exit(await (await commands()).sign(file, key)));
  plugin
    .command('publish')
    .description('send a package to the server at SLUICE_URL, as SLUICE_TOKEN or the demo admin')
    .argument('<file.tgz>')
    .action(async (file: string) => exit(await (await commands()).publish(file, readCliConfig(env), env)));
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1) throw new InvalidArgumentError('expected whole seconds');
  return seconds;
}

/** The version in package.json, which lies one folder up in dist/ and in the sources. */
function readVersion(): string {
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}
