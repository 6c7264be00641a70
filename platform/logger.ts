// Structured log. Secrets and payloads never leave it: errors are reduced to an allow-list, keys that name secrets are
// cut, and what looks like a credential inside a text is masked.
import { pino, type Logger as PinoLogger } from 'pino';
import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import { isSecretName, redactSecrets } from './redact-secrets.js';

export type Logger = PinoLogger;

const PAYLOAD_KEY = /^(variables|payload|body|headers)$/i;
const MAX_DEPTH = 6;

export function createLogger(options: { name: string; level?: string; destination?: NodeJS.WritableStream }): Logger {
  return pino(
    {
      name: options.name,
      level: options.level ?? 'info',
      base: { name: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: (fields) => redact(fields, 0) as Record<string, unknown> },
      serializers: { err: (error: unknown) => error, error: (error: unknown) => error },
      hooks: {
        logMethod(args, method) {
          method.apply(this, args.map((arg) => (typeof arg === 'string' ? redactSecrets(arg) : arg)) as Parameters<typeof method>);
        },
      },
    },
    options.destination ?? process.stderr,
  );
}

/** @returns a copy without secrets, at most six levels deep */
function redact(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactSecrets(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return describeError(value);
  if (depth >= MAX_DEPTH) return '[deep]';
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, PAYLOAD_KEY.test(key) || isSecretName(key) ? '[redacted]' : redact(item, depth + 1)]),
  );
}

/** Messages of foreign errors may quote payloads, so only those of coded errors are kept; the stack goes without its message. */
function describeError(error: Error): Record<string, unknown> {
  const stack = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 12);
  const cause = error.cause instanceof Error ? { cause: describeError(error.cause) } : {};
  const message = error instanceof CodedError ? { message: redactSecrets(error.message) } : {};
  const code = errorCodeOf(error) ?? (error as { code?: unknown }).code;
  return { type: error.name, ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}), ...message, stack, ...cause };
}

/** What the Temporal SDK's Runtime wants of a logger. */
export interface RuntimeLogger {
  log(level: string, message: string, meta?: Record<string, unknown>): void;
  trace(message: string, meta?: Record<string, unknown>): void;
  debug(message: string, meta?: Record<string, unknown>): void;
  info(message: string, meta?: Record<string, unknown>): void;
  warn(message: string, meta?: Record<string, unknown>): void;
  error(message: string, meta?: Record<string, unknown>): void;
}

/** Fields of the SDK's log records that hold ids and enums only. Failure messages, causes and details are payloads. */
const SDK_FIELDS = [
  'workflowId',
  'runId',
  'workflowType',
  'activityType',
  'activityId',
  'taskQueue',
  'namespace',
  'attempt',
  'durationMs',
  'sdkComponent',
  'isLocal',
] as const;

export function toTemporalLogger(log: Logger): RuntimeLogger {
  const write = (level: string, message: string, meta: Record<string, unknown> = {}): void => {
    const at = level.toLowerCase() as 'trace' | 'debug' | 'info' | 'warn' | 'error';
    if (!log.isLevelEnabled(at)) return;
    const fields: Record<string, unknown> = Object.fromEntries(
      SDK_FIELDS.flatMap((key) => (meta[key] === undefined ? [] : [[key, meta[key]]])),
    );
    const failureType = (meta['error'] as { type?: unknown } | undefined)?.type;
    if (typeof failureType === 'string') fields['failureType'] = failureType;
    // Core's messages embed server answers and failure texts behind the first colon; the constant part is what we keep.
    log[at](fields, message.split(/[:{\n]/, 1)[0] ?? 'temporal');
  };
  return {
    log: write,
    trace: (message, meta) => write('trace', message, meta),
    debug: (message, meta) => write('debug', message, meta),
    info: (message, meta) => write('info', message, meta),
    warn: (message, meta) => write('warn', message, meta),
    error: (message, meta) => write('error', message, meta),
  };
}
