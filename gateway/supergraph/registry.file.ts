// SUPERGRAPH=<file>: one composed supergraph, its services where the file says. Nothing can be published.
import { readFile } from 'node:fs/promises';
import { type ConstDirectiveNode, type DocumentNode, Kind, parse } from 'graphql';
import { CodedError } from '#schema/contracts/errors';
import type { Generation, ServedGeneration, SupergraphRegistry, SupergraphService } from '#schema/contracts/supergraph';
import { sha256 } from '#platform/blob-store';

const SEEN_WITHIN_MS = 5_000;

/** @throws CONFIG_INVALID when the file is absent or no supergraph */
export async function createFileRegistry(path: string): Promise<SupergraphRegistry> {
  const { generation, addresses } = readSupergraph(await readText(path), path);
  const serving = new Map<string, ServedGeneration>();
  return {
    newest: async () => generation,
    get: async (number) => (number === generation.number ? generation : undefined),
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

function readSupergraph(supergraphSdl: string, path: string): { generation: Generation; addresses: Map<string, string> } {
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
  return { generation: { number: 1, digest: sha256(supergraphSdl), supergraphSdl, services }, addresses };
}

function textArgument(directive: ConstDirectiveNode | undefined, name: string): string | undefined {
  const value = directive?.arguments?.find((argument) => argument.name.value === name)?.value;
  return value?.kind === Kind.STRING ? value.value : undefined;
}
