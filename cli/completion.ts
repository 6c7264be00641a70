// Completion scripts, made from what the program offers, so that they never know another command line than the parser does.
import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** One command and what may follow it. */
interface Level {
  /** The words of the command after `sluice`; empty for `sluice` itself. */
  path: readonly string[];
  words: readonly string[];
  /** Values of options that have a fixed choice, by flag. */
  values: readonly { flag: string; choices: readonly string[] }[];
}

/** @returns a script for the shell to source */
export function writeCompletion(program: Command, shell: (typeof SHELLS)[number]): string {
  const levels = readLevels(program, []);
  switch (shell) {
    case 'bash':
      return writeBash(levels);
    case 'zsh':
      return `autoload -U +X bashcompinit && bashcompinit\n${writeBash(levels)}`;
    case 'fish':
      return writeFish(levels);
  }
}

function readLevels(command: Command, path: readonly string[]): Level[] {
  const { options } = command;
  const level = {
    path,
    words: [
      ...command.commands.map((sub) => sub.name()),
      ...command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
      ...options.map(({ long }) => long ?? ''),
      '--help',
    ],
    values: options.flatMap(({ long, argChoices }) =>
      long == null || argChoices === undefined ? [] : [{ flag: long, choices: argChoices }],
    ),
  };
  return [level, ...command.commands.flatMap((sub) => readLevels(sub, [...path, sub.name()]))];
}

function writeBash(levels: readonly Level[]): string {
  const quoted = (...words: readonly string[]): string => JSON.stringify(['sluice', ...words].join(' '));
  const commands = levels.map(({ path, words }) => `    ${quoted(...path)}) words="${words.join(' ')}" ;;`);
  const values = levels.flatMap((level) =>
    level.values.map(({ flag, choices }) => `    ${quoted(...level.path, flag)}) words="${choices.join(' ')}" ;;`),
  );
  return `_sluice() {
  local at=sluice i words=
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${levels
        .slice(1)
        .map(({ path }) => quoted(...path))
        .join(' | ')}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at" in
${commands.join('\n')}
  esac
  case "$at \${COMP_WORDS[COMP_CWORD - 1]}" in
${values.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _sluice sluice`;
}

function writeFish(levels: readonly Level[]): string {
  return levels
    .flatMap(({ path, words, values }) => {
      const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
      const below = levels.filter((level) => level.path.length === path.length + 1 && path.every((word, n) => level.path[n] === word));
      const deeper = below.map((level) => `not __fish_seen_subcommand_from ${level.path.at(-1)}`);
      const when = [...seen, ...deeper].join('; and ') || 'true';
      return [
        ...words.map((word) => `complete -c sluice -n '${when}' ${word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`}`),
        ...values.map(({ flag, choices }) => `complete -c sluice -n '${when}' -l ${flag.slice(2)} -x -a '${choices.join(' ')}'`),
      ];
    })
    .join('\n');
}
