// Fenced blocks of a Markdown document, with the comments that say to tests what they do. Readers see neither:
//   <!-- not run: why -->     before a block of shell that no test runs
//   <!-- prints: text -->     after one: what its output holds
import { readFileSync } from 'node:fs';

export interface Block {
  /** `README.md:23` */
  at: string;
  language: string;
  text: string;
  /** Why no test runs it; null when one has to. */
  notRun: string | null;
  prints: readonly string[];
}

const FENCE = /^( *)```(\w*)$/;

/** @param path - below the repository's root */
export function readBlocks(path: string): Block[] {
  const lines = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8').split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const [, indent, language] = FENCE.exec(lines[at] ?? '') ?? [];
    if (indent === undefined || language === undefined) continue;
    const end = lines.findIndex((line, index) => index > at && line === `${indent}\`\`\``);
    if (end < 0) throw new Error(`${path}:${at + 1}: the block has no end`);
    const prints: string[] = [];
    for (let next = end + 1; ; next++) {
      const text = /^ *<!-- prints: (.*) -->$/.exec(lines[next] ?? '')?.[1];
      if (text === undefined) break;
      prints.push(text);
    }
    blocks.push({
      at: `${path}:${at + 1}`,
      language,
      text: lines
        .slice(at + 1, end)
        .map((line) => line.slice(indent.length))
        .join('\n'),
      notRun: /^ *<!-- not run: (.*) -->$/.exec(lines[at - 1] ?? '')?.[1] ?? null,
      prints,
    });
    at = end;
  }
  return blocks;
}
