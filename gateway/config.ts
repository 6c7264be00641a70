// The gateway's settings; no other file of this room reads the environment.
import { z } from 'zod';
import { CodedError } from '#schema/contracts/errors';
import { parseEnvironment, readTogether } from '#platform/config';
import { MAX_STORED_ANSWER_CHARS } from '#schema/contracts/workflows';
import type { TokenVerifierOptions } from '#platform/identity/token-verifier';
import type { KeyRing } from '#platform/keys';
import { isLoopback } from '#platform/loopback';
import { type ErrorRules, parseErrorRules } from './fetching/error-rules.js';
import { type ForwardRules, parseForwardRules } from './fetching/forward-headers.js';
import type { OperationPolicy } from './routing/route-operation.js';
import type { DocumentLimits } from './server/document-rules.js';
import { TRUST_MODES, type TrustMode, type TrustSettings } from './server/trusted-documents.js';

const port = z.coerce.number().int().min(0).max(65_535);
const origins = z
  .string()
  .transform((text) => text.split(',').map((origin) => origin.trim()))
  .pipe(z.array(z.string().regex(/^https?:\/\/[^/\s]+$/, 'expected origins like https://console.example.com, separated by commas')));

const hosts = z
  .string()
  .transform((text) => text.split(',').map((name) => name.trim()))
  .pipe(
    z.array(z.string().regex(/^(\*|(\*\.)?[A-Za-z0-9_.-]+)$/, 'expected names like api.example.com or *.example.com, separated by commas')),
  );

const operationNames = z
  .string()
  .transform((text) => text.split(',').map((name) => name.trim()))
  .pipe(z.array(z.string().regex(/^[A-Za-z_]\w*$/, 'expected names of operations, separated by commas')));

/** `Name=async,Other=durable` */
const policies = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .pipe(
    z.array(
      z.string().regex(/^[_A-Za-z]\w*=(direct|durable|async)$/, 'expected Name=direct, Name=durable or Name=async, separated by commas'),
    ),
  )
  .transform((parts) => new Map(parts.map((part) => part.split('=') as [string, OperationPolicy])));

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== ''),
);
/** `console=require,batch=off` */
const trustByClient = list.pipe(
  z.array(
    z.templateLiteral([z.string().min(1), '=', z.enum(TRUST_MODES)], `expected <client>=<${TRUST_MODES.join('|')}>, separated by commas`),
  ),
);

const forwardRules = z.string().transform((text, context) => {
  const rules = parseForwardRules(text);
  if (typeof rules !== 'string') return rules;
  context.addIssue({ code: 'custom', message: rules });
  return z.NEVER;
});

const errorRules = z.string().transform((text, context) => {
  const rules = parseErrorRules(text);
  if (typeof rules !== 'string') return rules;
  context.addIssue({ code: 'custom', message: rules });
  return z.NEVER;
});

const atMost = (standard: number) => z.coerce.number().int().min(1).default(standard);

const Environment = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: port.default(4000),
  ADMIN_HOST: z.string().min(1).default('127.0.0.1'),
  ADMIN_PORT: port.default(4001),
  SLUICE_AUTH: z.enum(['dev', 'jwt', 'none']).optional(),
  SLUICE_JWKS_URL: z.url({ protocol: /^https?$/ }).optional(),
  SLUICE_JWT_ISSUER: z.string().min(1).optional(),
  SLUICE_JWT_AUDIENCE: z.string().min(1).default('sluice'),
  SLUICE_JWT_TYPES: list.default(['JWT', 'at+jwt']),
  SLUICE_JWT_MAX_LIFE_SECONDS: z.coerce.number().int().min(60).max(31_536_000).default(86_400),
  SLUICE_EXECUTION: z.enum(['auto', 'direct', 'durable']).default('auto'),
  SLUICE_MAX_RUN_ANSWER_CHARS: z.coerce.number().int().min(1_000).max(64_000_000).default(MAX_STORED_ANSWER_CHARS),
  SLUICE_SAGAS: operationNames.default([]),
  SLUICE_OPERATIONS: policies.default(new Map()),
  SLUICE_OVERRIDE_LABELS: list.default([]),
  SLUICE_WEBHOOK_PRIVATE: z.stringbool().default(false),
  SLUICE_ACCESS_RULES: z.enum(['reject', 'filter']).default('reject'),
  SLUICE_TRUSTED_DOCUMENTS: z.enum(TRUST_MODES).default('off'),
  SLUICE_TRUSTED_DOCUMENTS_CLIENTS: trustByClient.default([]),
  SLUICE_TRUSTED_DOCUMENTS_FILES: list.default([]),
  SLUICE_MAX_TOKENS: atMost(2_000),
  SLUICE_MAX_DEPTH: atMost(15),
  SLUICE_MAX_ALIASES: atMost(30),
  SLUICE_MAX_DIRECTIVES: atMost(20),
  SLUICE_MAX_ROOT_FIELDS: atMost(20),
  SLUICE_MAX_SELECTIONS: atMost(2_000),
  SLUICE_MAX_COST: atMost(1_000),
  SLUICE_ALLOWED_ORIGINS: origins.default([]),
  SLUICE_LONGEST_WAIT_MS: z.coerce.number().int().min(100).max(600_000).optional(),
  SLUICE_ALLOWED_HOSTS: hosts.optional(),
  SUBGRAPH_TIMEOUT_MS: z.coerce.number().int().min(1).max(600_000).default(3_000),
  SUBGRAPH_MAX_ANSWER_BYTES: z.coerce
    .number()
    .int()
    .min(1_024)
    .default(5 * 1024 * 1024),
  SUBGRAPH_MAX_CALLS: atMost(1_024),
  SUBGRAPH_COMPRESSION: z.enum(['auto', 'on', 'off']).default('auto'),
  SLUICE_FORWARD_HEADERS: forwardRules.default(new Map()),
  SLUICE_ERRORS: errorRules.default(new Map()),
  SUBGRAPH_SHARE_FETCHES: z.stringbool().default(true),
  SLUICE_MAX_UPLOAD_BYTES: atMost(1024 * 1024 * 1024),
  SLUICE_MAX_UPLOAD_FILES: atMost(10),
  SLUICE_MAX_CONNECTIONS_PER_CLIENT: z.coerce.number().int().min(1).optional(),
  SLUICE_DRAIN_WAIT_MS: z.coerce.number().int().min(0).max(10_000).default(0),
  SLUICE_DRAIN_REQUESTS_MS: z.coerce.number().int().min(0).max(600_000).default(10_000),
});

/** What settings demand of each other, told beside what is wrong with single ones. */
const Demands = Environment.pick({
  HOST: true,
  SLUICE_AUTH: true,
  SLUICE_JWKS_URL: true,
  SLUICE_JWT_ISSUER: true,
  SLUICE_TRUSTED_DOCUMENTS: true,
}).superRefine((set, context) => {
  const auth = set.SLUICE_AUTH ?? (isLoopback(set.HOST) ? 'dev' : 'jwt');
  const complain = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
  if (auth !== 'jwt' && !isLoopback(set.HOST))
    complain('SLUICE_AUTH', `'${auth}' is for this machine only, but HOST is ${set.HOST}; use jwt`);
  if (auth === 'none' && set.SLUICE_TRUSTED_DOCUMENTS === 'require')
    complain('SLUICE_TRUSTED_DOCUMENTS', "'require' holds for nobody where SLUICE_AUTH is none: everyone has every scope");
  if (auth === 'jwt' && set.SLUICE_JWKS_URL === undefined)
    complain('SLUICE_JWKS_URL', 'expected the address of the key set, since SLUICE_AUTH is jwt');
  if (auth === 'jwt' && set.SLUICE_JWT_ISSUER === undefined)
    complain('SLUICE_JWT_ISSUER', 'expected the issuer of the tokens, since SLUICE_AUTH is jwt');
});

export interface GatewayConfig {
  host: string;
  port: number;
  admin: { host: string; port: number };
  auth:
    | { mode: 'dev' }
    | { mode: 'none' }
    | { mode: 'jwt'; jwksUrl: URL; issuer: string; audience: string; types: readonly string[]; maxLifeSeconds: number };
  execution: 'auto' | 'direct' | 'durable';
  /** The longest answer of one run, in characters of JSON, where large payloads have a store. */
  maxRunAnswerChars: number;
  /** Names of mutations that are sagas without `@saga`. */
  sagas: readonly string[];
  /** How operations of these names run, whatever their directives say. */
  operations: ReadonlyMap<string, OperationPolicy>;
  /** May webhooks go to loopback, link-local and private addresses, and over http? */
  allowsPrivateWebhooks: boolean;
  /** Labels of `@override(from:, label:)` that hold, beside `percent(n)`. */
  overrideLabels: readonly string[];
  /** What `@requiresScopes` and `@policy` do to an operation: refuse it, or leave those fields out. */
  accessRules: 'reject' | 'filter';
  /** Of one operation; `cost` only where the supergraph declares costs. */
  limits: DocumentLimits;
  trustedDocuments: TrustSettings;
  /** Exact origins of pages that may call, beside the gateway's own. */
  allowedOrigins: readonly string[];
  /** Host names that callers may send, beside our own. Null: any name is accepted beyond loopback, since every caller needs a token there. */
  allowedHosts: readonly string[] | null;
  /** Headers of callers that go on to the users' own services. */
  forwardHeaders: ForwardRules;
  subgraph: {
    timeoutMs: number;
    maxAnswerBytes: number;
    /** To one service at once. */
    maxCalls: number;
    /** `auto`: of services that are not on this machine. */
    compression: 'auto' | 'on' | 'off';
    /** Are equal query fetches of one principal, on their way at the same time, one? */
    sharesFetches: boolean;
    /** What callers see of whose errors. */
    errors: ErrorRules;
  };
  /** Of one file; files of one request. */
  uploads: { maxBytes: number; maxFiles: number };
  /** WebSockets and event streams that one caller may have open. */
  maxConnectionsPerClient: number;
  /** For how long an HTTP request waits for a run; null: until the operation's deadline. */
  longestWaitMs: number | null;
  drain: {
    /** Between "not ready" and the end of new connections, so that balancers notice. */
    waitMs: number;
    /** For running requests to be answered, before they are cut. */
    requestsMs: number;
  };
}

/** @throws CONFIG_INVALID that names every wrong setting */
export function readGatewayConfig(env: NodeJS.ProcessEnv): GatewayConfig {
  const [set] = readTogether(
    () => parseEnvironment(Environment, env),
    () => parseEnvironment(Demands, env),
  );
  return {
    host: set.HOST,
    port: set.PORT,
    admin: { host: set.ADMIN_HOST, port: set.ADMIN_PORT },
    auth: toAuth(set),
    execution: set.SLUICE_EXECUTION,
    maxRunAnswerChars: set.SLUICE_MAX_RUN_ANSWER_CHARS,
    sagas: set.SLUICE_SAGAS,
    operations: set.SLUICE_OPERATIONS,
    allowsPrivateWebhooks: set.SLUICE_WEBHOOK_PRIVATE,
    overrideLabels: set.SLUICE_OVERRIDE_LABELS,
    accessRules: set.SLUICE_ACCESS_RULES,
    limits: {
      tokens: set.SLUICE_MAX_TOKENS,
      depth: set.SLUICE_MAX_DEPTH,
      aliases: set.SLUICE_MAX_ALIASES,
      directives: set.SLUICE_MAX_DIRECTIVES,
      rootFields: set.SLUICE_MAX_ROOT_FIELDS,
      selections: set.SLUICE_MAX_SELECTIONS,
      cost: set.SLUICE_MAX_COST,
    },
    trustedDocuments: {
      mode: set.SLUICE_TRUSTED_DOCUMENTS,
      clients: new Map(set.SLUICE_TRUSTED_DOCUMENTS_CLIENTS.map(toClientAndMode)),
      files: set.SLUICE_TRUSTED_DOCUMENTS_FILES,
    },
    allowedOrigins: set.SLUICE_ALLOWED_ORIGINS,
    allowedHosts: set.SLUICE_ALLOWED_HOSTS ?? (isLoopback(set.HOST) ? [] : null),
    forwardHeaders: set.SLUICE_FORWARD_HEADERS,
    longestWaitMs: set.SLUICE_LONGEST_WAIT_MS ?? null,
    subgraph: {
      timeoutMs: set.SUBGRAPH_TIMEOUT_MS,
      maxAnswerBytes: set.SUBGRAPH_MAX_ANSWER_BYTES,
      maxCalls: set.SUBGRAPH_MAX_CALLS,
      compression: set.SUBGRAPH_COMPRESSION,
      sharesFetches: set.SUBGRAPH_SHARE_FETCHES,
      errors: set.SLUICE_ERRORS,
    },
    uploads: { maxBytes: set.SLUICE_MAX_UPLOAD_BYTES, maxFiles: set.SLUICE_MAX_UPLOAD_FILES },
    // On loopback all callers are this machine's own.
    maxConnectionsPerClient: set.SLUICE_MAX_CONNECTIONS_PER_CLIENT ?? (isLoopback(set.HOST) ? 10_000 : 20),
    drain: { waitMs: set.SLUICE_DRAIN_WAIT_MS, requestsMs: set.SLUICE_DRAIN_REQUESTS_MS },
  };
}

/** For `createTokenVerifier`. */
export function toTokenVerifierOptions(auth: GatewayConfig['auth'], keys: KeyRing): TokenVerifierOptions {
  return auth.mode === 'dev' ? { mode: 'dev', keys } : auth;
}

/** Names of clients may hold `=`, modes do not. */
function toClientAndMode(text: string): [string, TrustMode] {
  const at = text.lastIndexOf('=');
  return [text.slice(0, at), text.slice(at + 1) as TrustMode];
}

function toAuth(set: z.output<typeof Environment>): GatewayConfig['auth'] {
  const mode = set.SLUICE_AUTH ?? (isLoopback(set.HOST) ? 'dev' : 'jwt');
  if (mode !== 'jwt') return { mode };
  if (set.SLUICE_JWKS_URL === undefined || set.SLUICE_JWT_ISSUER === undefined)
    throw new CodedError('CONFIG_INVALID', 'SLUICE_AUTH is jwt without its settings');
  return {
    mode,
    jwksUrl: new URL(set.SLUICE_JWKS_URL),
    issuer: set.SLUICE_JWT_ISSUER,
    audience: set.SLUICE_JWT_AUDIENCE,
    types: set.SLUICE_JWT_TYPES,
    maxLifeSeconds: set.SLUICE_JWT_MAX_LIFE_SECONDS,
  };
}
