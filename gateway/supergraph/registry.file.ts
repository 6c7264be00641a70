// SUPERGRAPH=<file>: one composed supergraph, its services where the file says. Nothing can be published, but the file may change:
// whoever asks for the newest generation has it looked at.
// F1. A file that is no supergraph leaves the one before it, and says so to who asks.
// F2. Numbers count from 1 in each process. A run from before a restart may name one that is not known here: it gets the newest.
import { readFile, stat } from 'node:fs/promises';
import { type ConstDirectiveNode, type DocumentNode, Kind, parse } from 'graphql';
import { CodedError } from '#schema/contracts/errors';
import type { Generation, ServedGeneration, SupergraphRegistry, SupergraphService } from '#schema/contracts/supergraph';
import { sha256 } from '#platform/blob-store';

const SEEN_WITHIN_MS = 5_000;
const MAX_KNOWN = 8;

/** @throws CONFIG_INVALID when the file is absent or no supergraph */
export async function createFileRegistry(path: string): Promise<SupergraphRegistry> {
  const first = readSupergraph(await readText(path), path, 1);
  const { addresses } = first;
  const known = [first.generation];
  const serving = new Map<string, ServedGeneration>();
  let stamp = await toStamp(path);
  let reading: Promise<void> | undefined;

  async function look(): Promise<void> {
    const now = await toStamp(path);
    if (now === stamp || now === 'away') return;
    const newest = newestKnown();
    const text = await readText(path);
    // Seen, whether it is good or not: the next change is looked at again.
    stamp = now;
    const read = readSupergraph(text, path, newest.number + 1);
    if (read.generation.digest === newest.digest) return;
    for (const [host, url] of read.addresses) addresses.set(host, url);
    known.push(read.generation);
    if (known.length > MAX_KNOWN) known.shift();
  }

  function newestKnown(): Generation {
    return known.at(-1) ?? first.generation;
  }

  return {
    async newest() {
      await (reading ??= look().finally(() => (reading = undefined)));
      return newestKnown();
    },
    get: async (number) => known.find((generation) => generation.number === number) ?? newestKnown(),
    publish: async () => {
      throw new CodedError('CONFLICT', 'the supergraph comes from a file and cannot be changed');
    },
    publishedBy: async () => undefined,
    addresses: async () => addresses,
    setAddress: async (host, url) => void addresses.set(host, url.replace(/\/$/, '')),
    recordServing: async (served) => void serving.set(served.instance, { ...served, seenAtMs: Date.now() }),
    forgetServing: async (instance) => void serving.delete(instance),
    serving: async () => [...serving.values()].filter(({ seenAtMs }) => Date.now() - seenAtMs <= SEEN_WITHIN_MS),
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new CodedError('CONFIG_INVALID', `SUPERGRAPH: the file '${path}' cannot be read`, { cause });
  }
}

/** Says `away` for a moment when an editor replaces the file. */
async function toStamp(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${mtimeMs}.${size}.${ino}`;
  } catch {
    return 'away';
  }
}

function readSupergraph(supergraphSdl: string, path: string, number: number): { generation: Generation; addresses: Map<string, string> } {
  let document: DocumentNode;
  try {
    document = parse(supergraphSdl);
  } catch (cause) {
    throw new CodedError('CONFIG_INVALID', `SUPERGRAPH: '${path}' is not GraphQL SDL: ${(cause as Error).message}`, { cause });
  }
  const graphs = document.definitions.find(
    (definition) => definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === 'join__Graph',
  );
  if (graphs?.kind !== Kind.ENUM_TYPE_DEFINITION)
    throw new CodedError('CONFIG_INVALID', `SUPERGRAPH: '${path}' is not a composed supergraph: it has no enum join__Graph`);

  const addresses = new Map<string, string>();
  const services = (graphs.values ?? []).map((value): SupergraphService => {
    const graph = value.directives?.find((directive) => directive.name.value === 'join__graph');
    const name = textArgument(graph, 'name') ?? value.name.value;
    const address = textArgument(graph, 'url') ?? '';
    if (!URL.canParse(address) || !/^https?:/i.test(address)) {
      throw new CodedError('CONFIG_INVALID', `SUPERGRAPH: '${path}': expected an http address for service '${name}', got '${address}'`);
    }
    const url = new URL(address);
    addresses.set(name, url.origin);
    return { name, sdl: '', host: name, path: url.pathname + url.search, signed: false, plugin: null };
  });
  return { generation: { number, digest: sha256(supergraphSdl), supergraphSdl, services }, addresses };
}

function textArgument(directive: ConstDirectiveNode | undefined, name: string): string | undefined {
  const value = directive?.arguments?.find((argument) => argument.name.value === name)?.value;
  return value?.kind === Kind.STRING ? value.value : undefined;
}
