// The services a deployment starts with: ours, and those listed in a supergraph.yaml.
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { request } from 'undici';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { ERROR_DETAILS, type ErrorPolicy } from '#schema/contracts/error-policy';
import { CodedError } from '#schema/contracts/errors';
import type { SupergraphService } from '#schema/contracts/supergraph';

export const BUILT_IN_SERVICES = ['files', 'operations', 'plugins', 'tenants'] as const;

const INTROSPECT_TIMEOUT_MS = 5_000;
const MAX_SDL_BYTES = 5 * 1024 * 1024;

const httpUrl = z.url({ protocol: /^https?$/, error: 'expected an http address' });
const errors = z.union(
  [
    z.enum(ERROR_DETAILS).transform((show): ErrorPolicy => ({ show })),
    z.strictObject({ show: z.literal('codes'), texts: z.array(z.string().min(1).max(128)).max(200) }),
  ],
  { error: 'expected full, codes, masked, or { show: codes, texts: [CODE, …] }' },
);
/** The format of `rover supergraph compose`, and what callers see of errors: of one service, or by default. */
const ServiceListFile = z.object({
  federation_version: z.union([z.string(), z.number()]).optional(),
  errors: errors.optional(),
  subgraphs: z.record(
    z.string().regex(/^[A-Za-z][\w-]{0,63}$/, 'a name has letters, digits, - and _'),
    z.object({
      routing_url: httpUrl.optional(),
      errors: errors.optional(),
      schema: z.union(
        [
          z.strictObject({ file: z.string().min(1) }),
          z.strictObject({ subgraph_url: httpUrl, introspection_headers: z.record(z.string(), z.string()).default({}) }),
          z.strictObject({ sdl: z.string().min(1) }),
        ],
        {
          error: 'expected file, subgraph_url (with introspection_headers, if it wants some) or sdl',
        },
      ),
    }),
  ),
});

/** Our own subgraphs as committed in schema/subgraphs; they insist on signed calls and record their addresses themselves. */
export async function readBuiltInServices(): Promise<SupergraphService[]> {
  return Promise.all(
    BUILT_IN_SERVICES.map(async (name) => ({
      name,
      sdl: await readFile(new URL(`../../schema/subgraphs/${name}.graphql`, import.meta.url), 'utf8'),
      host: name,
      path: '/graphql',
      signed: true,
      plugin: null,
    })),
  );
}

export interface ListedServices {
  services: SupergraphService[];
  /** Base URL by host, for {@link SupergraphRegistry.setAddress}. */
  addresses: ReadonlyMap<string, string>;
  /** Every file that was read, the list itself first. */
  files: readonly string[];
  /** Do services tell their schema themselves? Then it may change without a file's change. */
  asksServices: boolean;
}

export const NO_LISTED_SERVICES: ListedServices = { services: [], addresses: new Map(), files: [], asksServices: false };

/**
 * A user's own services (SLUICE_SUBGRAPHS). They are called unsigned.
 *
 * @param options.reserved - names that the list may not use. @default those of Sluice's own services
 * @param options.isComposed - only composed, so that a service needs no address. @default false
 * @throws CONFIG_INVALID when the file or a schema in it cannot be had; SUBGRAPH_UNREACHABLE when a service does not tell its schema
 */
export async function readListedServices(
  file: string,
  { reserved = BUILT_IN_SERVICES, isComposed = false }: { reserved?: readonly string[]; isComposed?: boolean } = {},
): Promise<ListedServices> {
  const list = parseList(await readText(file, `SLUICE_SUBGRAPHS: the file '${file}'`), file);
  const addresses = new Map<string, string>();
  const files = [file];
  const services = await Promise.all(
    Object.entries(list.subgraphs).map(async ([name, { routing_url, schema, errors = list.errors }]): Promise<SupergraphService> => {
      if (reserved.includes(name)) throw invalid(`'${name}' is the name of a service of Sluice's own; choose another`);
      const routingUrl = routing_url ?? ('subgraph_url' in schema ? schema.subgraph_url : undefined);
      if (routingUrl === undefined && !isComposed)
        throw invalid(`'${name}' needs a routing_url, the address that its operations are sent to`);
      const url = routingUrl === undefined ? undefined : new URL(routingUrl);
      if (url !== undefined) addresses.set(name, url.origin);
      const sdl = await readSdl(name, schema);
      return {
        name,
        sdl,
        host: name,
        path: url === undefined ? '' : url.pathname + url.search,
        signed: false,
        ...(errors === undefined ? {} : { errors }),
        plugin: null,
      };
    }),
  );
  const asksServices = Object.values(list.subgraphs).some(({ schema }) => 'subgraph_url' in schema);
  return { services, addresses, files, asksServices };

  async function readSdl(name: string, schema: ListedSchema): Promise<string> {
    if ('sdl' in schema) return schema.sdl;
    if ('subgraph_url' in schema) return askForSdl(name, schema.subgraph_url, schema.introspection_headers);
    const path = resolve(dirname(file), schema.file);
    files.push(path);
    return readText(path, `SLUICE_SUBGRAPHS: the schema of '${name}'`);
  }
}

type ListedSchema = z.output<typeof ServiceListFile>['subgraphs'][string]['schema'];

function parseList(text: string, file: string): z.output<typeof ServiceListFile> {
  let yaml: unknown;
  try {
    yaml = parseYaml(text);
  } catch (cause) {
    throw new CodedError('CONFIG_INVALID', `SLUICE_SUBGRAPHS: '${file}' is not YAML`, { cause });
  }
  const parsed = ServiceListFile.safeParse(yaml);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'file'}: ${message}`).join(' · '));
}

async function readText(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CodedError('CONFIG_INVALID', `${what} cannot be read`, { cause });
  }
}

async function askForSdl(name: string, url: string, headers: Record<string, string>): Promise<string> {
  try {
    const { body } = await request(url, {
      method: 'POST',
      headers: { accept: 'application/json', ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ _service { sdl } }' }),
      signal: AbortSignal.timeout(INTROSPECT_TIMEOUT_MS),
    });
    let text = '';
    for await (const chunk of body.setEncoding('utf8')) {
      text += chunk as string;
      if (text.length > MAX_SDL_BYTES) throw new TooLarge('the schema is over 5 MB');
    }
    return z.object({ data: z.object({ _service: z.object({ sdl: z.string().min(1) }) }) }).parse(JSON.parse(text)).data._service.sdl;
  } catch (cause) {
    const { origin, pathname } = new URL(url);
    throw new CodedError(
      'SUBGRAPH_UNREACHABLE',
      `SLUICE_SUBGRAPHS: '${name}' did not tell its schema at ${origin}${pathname} (${describeFailure(cause)})`,
      { cause },
    );
  }
}

/** In a few words, without anything that the service has said. */
function describeFailure(cause: unknown): string {
  const { code, name, message } = cause as { code?: unknown; name?: unknown; message?: unknown };
  if (typeof code === 'string') return code;
  if (name === 'TimeoutError') return `no answer in ${INTROSPECT_TIMEOUT_MS} ms`;
  return cause instanceof TooLarge ? String(message) : 'its answer holds no schema';
}

class TooLarge extends Error {}

function invalid(message: string): CodedError {
  return new CodedError('CONFIG_INVALID', `SLUICE_SUBGRAPHS: ${message}`);
}
