// Writes docs/errors.md from the registry of codes; `--check` only compares.
import { readFile, writeFile } from 'node:fs/promises';
import { ERROR_CODES } from '#schema/contracts/errors';

const FILE = new URL('../docs/errors.md', import.meta.url);

const rows = Object.entries(ERROR_CODES).map(
  ([code, { http, retryable, meaning }]) => `| \`${code}\` | ${retryable ? 'yes' : 'no'} | ${http} | ${meaning} |`,
);
const text = `# Error codes

Generated from \`schema/contracts/errors.ts\` by \`npx tsx scripts/generate-docs.ts\`. Every error a caller sees has one of these in
\`extensions.code\`, or a code that a service of yours gave
(\`origin: "service"\`; [what of its errors is shown](guides/errors-of-services.md)). A code never changes its meaning. *Retry*: may the same call succeed later without
a change? *HTTP*: the status when the error ends a request before GraphQL could run; 200 means that it only ever stands inside an answer.

\`extensions.service\` names the service that an error comes from. \`extensions.origin: "service"\` says that the service itself reported it: its code is
shown as it came and has the service's meaning, also where it is spelt like one of these. It changes no status, causes no retry or recovery, and
has no \`retryable\`. A service that wants to be called again answers 429 or 503 with \`Retry-After\`.

| code | retry | HTTP | meaning |
| --- | --- | --- | --- |
${rows.join('\n')}
`;

if (process.argv.includes('--check')) {
  if ((await readFile(FILE, 'utf8')) !== text) {
    console.error('docs/errors.md is not what schema/contracts/errors.ts says: run npx tsx scripts/generate-docs.ts');
    process.exitCode = 1;
  }
} else {
  await writeFile(FILE, text);
}
