// GraphQL requests with files (multipart/form-data: `operations`, `map`, then the files). Each file streams to the files service as it
// comes and is known by an id from then on, which takes its place in the variables: plans, runs and services see no bytes.
// M1. Files come one after the other; the next is not read before the files service has taken the one before.
// M2. When anything goes wrong, all files of the request are taken back.
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy, type BusboyFileStream, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { UploadLink } from '#platform/identity/transfer-links';
import type { Logger } from '#platform/logger';
import type { FileService } from './file-service.js';

const LINK_MS = 60_000;
const MAX_PATHS = 100;
/** Their presence makes browsers ask first (CORS preflight) before they send what a form could. */
export const PREFLIGHT_HEADERS = ['graphql-require-preflight', 'apollo-require-preflight'];

const FileMap = z.record(z.string().max(100), z.array(z.string().max(500)).min(1).max(MAX_PATHS));

export interface MultipartRequest {
  /** The GraphQL request, with ids in the places of files. */
  body: unknown;
  /** Takes the files back; for a request that did not run. Never rejects. */
  drop(): Promise<void>;
}

export interface MultipartReader {
  /** @throws BAD_REQUEST, FORBIDDEN, REQUEST_TOO_LARGE, and what {@link FileService.send} throws */
  read(request: IncomingMessage, auth: AuthContext, signal: AbortSignal): Promise<MultipartRequest>;
}

export function isMultipart({ headers }: IncomingMessage): boolean {
  return /^multipart\/form-data\b/i.test(headers['content-type'] ?? '');
}

export function asksForPreflight({ headers }: IncomingMessage): boolean {
  return PREFLIGHT_HEADERS.some((name) => headers[name] !== undefined && headers[name] !== '');
}

export function createMultipartReader(deps: {
  files: Pick<FileService, 'send' | 'drop'>;
  /** `fieldBytes`: of `operations` and `map`, each. */
  limits: { maxFiles: number; maxBytes: number; fieldBytes: number };
  log: Logger;
  now?: () => number;
}): MultipartReader {
  const { files, limits, log, now = Date.now } = deps;

  async function read(request: IncomingMessage, auth: AuthContext, signal: AbortSignal): Promise<MultipartRequest> {
    if (!auth.scopes.includes('files:write')) throw new CodedError('FORBIDDEN', "sending files needs the scope 'files:write'");
    const links: UploadLink[] = [];
    let operations: unknown;
    let map: z.output<typeof FileMap> | undefined;
    let failure: unknown;
    const parser = createParser(request, limits);
    const sending: Promise<void>[] = [];
    const open = new Set<BusboyFileStream>();

    /** The first failure is told; the parser's end takes everything down with it. */
    function fail(error: unknown): void {
      failure ??= error;
      for (const stream of open) stream.destroy();
      parser.destroy(error as Error);
    }

    async function take(field: string, stream: BusboyFileStream, filename: string | undefined, mediaType: string): Promise<void> {
      if (operations === undefined || map === undefined)
        throw new CodedError('BAD_REQUEST', 'expected operations and map before the files');
      const paths = Object.hasOwn(map, field) ? map[field] : undefined;
      if (paths === undefined) throw new CodedError('BAD_REQUEST', `the map does not name the file '${field}'`);
      const { tenant, principal } = auth;
      const link: UploadLink = {
        kind: 'upload',
        id: `upl_${uuid()}`,
        tenant,
        principal,
        expiresAtMs: now() + LINK_MS,
        bytes: limits.maxBytes,
        isExact: false,
        sha256: null,
        name: filename ?? null,
        mediaType: mediaType === '' ? null : mediaType,
      };
      for (const path of paths) place(operations, path, link.id);
      delete map[field];
      const { size } = await files.send(link, Readable.from(stream), signal);
      links.push(link);
      log.debug({ upload: link.id, size }, 'file of a request is stored');
    }

    parser.on('field', (name, value, isNameCut, isCut) => {
      try {
        if (isNameCut || isCut) throw new CodedError('REQUEST_TOO_LARGE', `expected fields of at most ${limits.fieldBytes} bytes`);
        if (name === 'operations' && operations === undefined) operations = parseJson(value, 'operations');
        else if (name === 'map' && map === undefined) map = parseMap(value);
        else throw new CodedError('BAD_REQUEST', 'expected the fields operations and map, each once');
      } catch (error) {
        fail(error);
      }
    });
    parser.on('file', (field, stream, filename: string | undefined, _, mediaType) => {
      open.add(stream);
      stream.on('error', () => undefined);
      sending.push(
        take(field ?? '', stream, filename, mediaType)
          .catch(fail)
          .finally(() => open.delete(stream)),
      );
    });
    const tooMany = (): void => fail(new CodedError('REQUEST_TOO_LARGE', `expected at most ${limits.maxFiles} files`));
    for (const event of ['filesLimit', 'partsLimit', 'fieldsLimit'] as const) parser.on(event, tooMany);

    try {
      await pipeline(request, parser);
    } catch (error) {
      fail(
        errorCodeOf(error) === undefined
          ? new CodedError('BAD_REQUEST', 'the body is not whole multipart/form-data', { cause: error })
          : error,
      );
    }
    await Promise.all(sending);
    if (failure === undefined && operations === undefined) failure = new CodedError('BAD_REQUEST', 'expected the field operations');
    const [missing] = Object.keys(map ?? {});
    if (failure === undefined && missing !== undefined)
      failure = new CodedError('BAD_REQUEST', `the file '${missing}' of the map did not come`);
    const drop = async (): Promise<void> => {
      for (const link of links)
        await files.drop(link).catch((error: unknown) => log.warn({ err: error, upload: link.id }, 'upload could not be taken back'));
    };
    if (failure === undefined) return { body: operations, drop };
    await drop();
    throw failure as Error;
  }

  return { read };
}

function createParser({ headers }: IncomingMessage, { maxFiles, fieldBytes }: { maxFiles: number; fieldBytes: number }): BusboyInstance {
  try {
    return new Busboy({
      headers: headers as BusboyHeaders,
      limits: {
        fields: 2,
        files: maxFiles,
        parts: maxFiles + 2,
        fieldNameSize: 100,
        fieldSize: fieldBytes,
        headerPairs: 20,
        headerSize: 8_192,
      },
    });
  } catch (cause) {
    throw new CodedError('BAD_REQUEST', 'expected multipart/form-data with a boundary', { cause });
  }
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new CodedError('BAD_REQUEST', `expected ${name} to be JSON`);
  }
}

function parseMap(text: string): z.output<typeof FileMap> {
  const map = FileMap.safeParse(parseJson(text, 'map'));
  if (!map.success) throw new CodedError('BAD_REQUEST', 'expected map to be {"<file>": ["variables.<path>", …]}');
  return map.data;
}

/** Puts the id where the request says null. @throws BAD_REQUEST */
function place(operations: unknown, path: string, id: string): void {
  const keys = path.split('.');
  let value: unknown = operations;
  for (const [index, key] of keys.entries()) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key) || (index === 0 && key !== 'variables')) break;
    const within = value as Record<string, unknown>;
    if (index === keys.length - 1 && within[key] === null) {
      within[key] = id;
      return;
    }
    value = within[key];
  }
  throw new CodedError('BAD_REQUEST', `the map's path '${path}' leads to no null in the variables`);
}
