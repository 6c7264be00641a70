import { parse } from 'graphql';
import { BUNDLE_FILE, parseManifest, readSchema, requireFile } from '#platform/plugin-package/manifest';
import type { PackageFiles } from '#platform/plugin-package/archive';
import { CodedError } from '#schema/contracts/errors';
import type { Json } from '#schema/contracts/json';
import { requiredResolvers } from './plugin-subgraph.js';
import { createSandbox } from './sandbox/create-sandbox.js';

/** `tests/*.json` of a package: one call of one resolver. */
interface GoldenCall {
  type: string;
  field: string;
  parent: Json;
  args: Json;
  /** Fields that the answer must have, with these values. */
  expect?: Record<string, Json>;
}

/**
 * Runs a package in a throw-away sandbox: it loads, has a resolver for every field it promises, and answers its own golden calls.
 *
 * @throws LOAD_FAILED, RESULT_INVALID and the sandbox's codes
 */
export async function smokeRun(files: PackageFiles): Promise<void> {
  const manifest = parseManifest(files);
  const sandbox = await createSandbox({ source: requireFile(files, BUNDLE_FILE).toString('utf8'), limits: manifest.limits });
  try {
    const missing = requiredResolvers(parse(readSchema(files))).filter((field) => !sandbox.resolvers.includes(field));
    if (missing.length > 0) throw new CodedError('LOAD_FAILED', `the plugin has no resolver for ${missing.join(', ')}`);
    for (const [path, content] of files) {
      if (!/^tests\/[^/]+\.json$/.test(path)) continue;
      const { expect = {}, ...call } = JSON.parse(content.toString('utf8')) as GoldenCall;
      const answer = await sandbox.call(call, {});
      for (const [field, value] of Object.entries(expect)) {
        const got = (answer as Record<string, Json> | null)?.[field];
        if (JSON.stringify(got) !== JSON.stringify(value))
          throw new CodedError('RESULT_INVALID', `${path}: expected ${field} to be ${JSON.stringify(value)}`);
      }
    }
  } finally {
    await sandbox.close();
  }
}
