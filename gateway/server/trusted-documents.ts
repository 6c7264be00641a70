// Trusted documents: from what a request names to the text that runs, for every transport (docs/guides/trusted-documents.md).
// T1. Nothing that a request brings becomes a known document: there is no registration (no "automatic persisted queries").
// T2. How strict we are follows from the verified credential alone: a client cannot become another one by a header.
// T3. A trusted document is validated, limited and costed like any other: its variables are the caller's, and manifests hold mistakes too.
import { createHash } from 'node:crypto';
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { Logger } from '#platform/logger';
import type { Metrics } from '#platform/metrics';
import type { DocumentIndex } from './document-manifest.js';
import { assertShallowDocument } from './nesting.js';

/** `off`: any document. `log`: any, and those that are not trusted are counted and logged. `require`: trusted ones only. */
export const TRUST_MODES = ['off', 'log', 'require'] as const;
export type TrustMode = (typeof TRUST_MODES)[number];

export interface TrustSettings {
  /** For clients without a mode of their own, and credentials that name no client. */
  mode: TrustMode;
  /** By {@link AuthContext.client}. */
  clients: ReadonlyMap<string, TrustMode>;
  /** Manifests. */
  files: readonly string[];
}

/** The parts of a GraphQL request that say which document it means, as they came. */
export interface DocumentRequest {
  query?: unknown;
  /** GraphQL over HTTP's persisted documents. */
  documentId?: unknown;
  /** `persistedQuery.sha256Hash`, the form of Apollo, urql and Relay clients. */
  extensions?: unknown;
}

export interface TrustedDocuments {
  /**
   * @returns the text to run, or undefined when the request names none in any form: its transport says so
   * @throws DOCUMENT_NOT_TRUSTED, PERSISTED_QUERY_NOT_FOUND, PERSISTED_QUERY_NOT_SUPPORTED, BAD_REQUEST
   */
  resolve(auth: AuthContext, request: DocumentRequest): string | undefined;
}

const MAX_VERDICTS = 1_000;
const MAX_SAID = 1_000;

export function createTrustedDocuments(options: {
  settings: Pick<TrustSettings, 'mode' | 'clients'>;
  /** Read for every request; another object after a reload. */
  index: () => DocumentIndex;
  /** Of a document: what is longer is not compared. */
  maxTokens: number;
  metrics: Pick<Metrics, 'documents'>;
  log: Logger;
}): TrustedDocuments {
  const { settings, maxTokens, metrics, log } = options;
  const verdicts = new WeakMap<DocumentIndex, Map<string, boolean>>();
  const said = new Set<string>();

  /** Kept by digest: texts may be long. */
  function isTrusted(text: string, digest: string): boolean {
    const index = options.index();
    let known = verdicts.get(index);
    if (known === undefined) verdicts.set(index, (known = new Map<string, boolean>()));
    let verdict = known.get(digest);
    if (verdict === undefined) {
      verdict = index.has(text, maxTokens);
      if (known.size >= MAX_VERDICTS) known.delete(known.keys().next().value as string);
      known.set(digest, verdict);
    }
    return verdict;
  }

  /** Each document once; not its text, which may hold somebody's values. */
  function sayFree(documentHash: string, client: string | undefined): void {
    if (said.has(documentHash) || said.size >= MAX_SAID) return;
    said.add(documentHash);
    log.info({ documentHash, client: client ?? null }, 'document is not trusted');
  }

  function judge(text: string, { client, scopes }: AuthContext, mode: TrustMode): string {
    if (mode === 'off') return text;
    const digest = createHash('sha256').update(text).digest('hex');
    const trusted = isTrusted(text, digest);
    const isRefused = !trusted && mode === 'require' && !scopes.includes('documents:any');
    metrics.documents.inc({ document: trusted ? 'trusted' : isRefused ? 'refused' : 'free' });
    if (isRefused)
      throw new CodedError(
        'DOCUMENT_NOT_TRUSTED',
        "this client may send trusted documents only, others need the scope 'documents:any'; send one of its manifest, by id or as text",
      );
    if (!trusted && mode === 'log') sayFree(digest, client);
    return text;
  }

  return {
    resolve(auth, request) {
      const mode = modeOf(auth, settings);
      const { query } = request;
      const named = toDocumentId(request);
      if (typeof query === 'string' && query !== '') {
        assertShallowDocument(query);
        if (named?.from === 'documentId') throw new CodedError('BAD_REQUEST', 'expected a query or a documentId, got both');
        // Sent with its hash, as clients do to register it: it counts for what it is.
        return judge(query, auth, mode);
      }
      if (named === undefined) return undefined;
      const text = options.index().find(named.id);
      if (mode !== 'off') metrics.documents.inc({ document: text === undefined ? 'unknown_id' : 'trusted' });
      if (text !== undefined) return text;
      // On this code clients that try to register documents stop trying and send whole ones.
      if (named.from === 'hash' && mode === 'off')
        throw new CodedError(
          'PERSISTED_QUERY_NOT_SUPPORTED',
          'the hash names no trusted document, and none is registered; send the document',
        );
      throw new CodedError('PERSISTED_QUERY_NOT_FOUND', 'no trusted document has this id');
    },
  };
}

function modeOf({ client }: AuthContext, { mode, clients }: Pick<TrustSettings, 'mode' | 'clients'>): TrustMode {
  return (client === undefined ? undefined : clients.get(client)) ?? mode;
}

function toDocumentId({ documentId, extensions }: DocumentRequest): { id: string; from: 'documentId' | 'hash' } | undefined {
  if (typeof documentId === 'string') return { id: documentId, from: 'documentId' };
  if (documentId !== undefined && documentId !== null) throw new CodedError('BAD_REQUEST', 'expected documentId to be a string');
  const persisted = isObject(extensions) ? extensions['persistedQuery'] : undefined;
  if (persisted === undefined || persisted === null) return undefined;
  const id = isObject(persisted) ? persisted['sha256Hash'] : undefined;
  if (typeof id !== 'string') throw new CodedError('BAD_REQUEST', 'expected extensions.persistedQuery.sha256Hash to be a string');
  return { id, from: 'hash' };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
