// What the drill's clients ask for. Each piece of work is known by its entry, which stands in everything that it does.
import type { JobEffect } from '#tests/support/jobs-service';

/** As the ledger calls them (ledger.ts). */
export type Effect =
  'reserve' | 'release' | 'create folder' | 'delete folder' | 'create file' | 'delete file' | 'install' | 'uninstall' | JobEffect;

export interface GraphQLResult {
  data?: Record<string, any> | null; // eslint-disable-line @typescript-eslint/no-explicit-any -- each kind of work reads what it selected
  errors?: { extensions?: { code?: string } }[];
}

export interface Work {
  document: string;
  variables(entry: string): Record<string, unknown>;
  /** `wait`: for the answer; `leave`: with `Prefer: respond-async`; `start`: by `startOperation`, with a webhook. */
  way: 'wait' | 'leave' | 'start';
  /** Of one that succeeded, each once and nothing else. A query has none, and no key. */
  effects: readonly Effect[];
  /** It takes 5 to 40 s: its client does not wait for it before it asks for something else. @default false */
  isLong?: boolean;
  /** It must not be sent twice: that its outcome is unknown is an answer. @default false */
  mayBeUnsure?: boolean;
  isSuccess(result: GraphQLResult): boolean;
}

const byEntry = (entry: string): Record<string, unknown> => ({ entry });
const byName = (entry: string): Record<string, unknown> => ({ entry, name: entry });
const isRecorded = ({ data, errors }: GraphQLResult): boolean =>
  errors === undefined && typeof data?.['reserveStorage']?.id === 'string' && typeof data['createFolder']?.id === 'string';

/** Its last step of three was refused. */
const isUndone = ({ errors = [] }: GraphQLResult): boolean =>
  errors
    .map(({ extensions }) => extensions?.code ?? 'none')
    .sort()
    .join() === 'NOT_FOUND,STEP_UNDONE,STEP_UNDONE';

/** Two effects in two services. */
const record = (directives = ''): string =>
  `mutation Record($entry: ID!, $name: String!) ${directives} { reserveStorage(reservation: $entry, bytes: 1) { id } createFolder(input: { name: $name }) { id } }`;
const recording = {
  document: record(),
  variables: byName,
  way: 'wait',
  effects: ['reserve', 'create folder'],
  isSuccess: isRecorded,
} as const satisfies Work;

export const WORK = {
  'two effects': recording,
  'two effects, left': { ...recording, way: 'leave' },
  'two effects, started': { ...recording, way: 'start' },
  'saga that is kept': { ...recording, document: record('@saga') },
  // Its last step is refused, so the two before are taken back: that is its success.
  'saga that is undone': {
    document: `mutation Undone($entry: ID!, $name: String!) @saga {
      createFolder(input: { name: $name }) { id }
      reserveStorage(reservation: $entry, bytes: 1) { id }
      createFile(input: { name: $name, mediaType: "text/plain", content: "aGVsbG8=", folderId: "fol_nowhere" }) { id }
    }`,
    variables: byName,
    way: 'wait',
    effects: ['create folder', 'reserve', 'release', 'delete folder'],
    isSuccess: isUndone,
  },
  "effect, then a plugin's field": {
    document: `mutation Shared($name: String!) {
      createFile(input: { name: $name, mediaType: "text/plain", content: "aGVsbG8=" }) { id shareQr { size } }
    }`,
    variables: (entry) => ({ name: entry }),
    way: 'wait',
    effects: ['create file'],
    isSuccess: ({ data, errors }) => errors === undefined && data?.['createFile']?.shareQr.size > 0,
  },
  "query of a plugin's field": {
    document: 'query Read { files(first: 2) { nodes { name tenant { name } shareQr { size } } } }',
    variables: () => ({}),
    way: 'wait',
    effects: [],
    isSuccess: ({ data, errors }) => errors === undefined && data?.['files']?.nodes.length > 0,
  },
  'job, left': {
    document: 'mutation Build($entry: ID!) { build(name: $entry) }',
    variables: byEntry,
    way: 'leave',
    isLong: true,
    effects: ['build'],
    isSuccess: ({ data, errors }) => errors === undefined && typeof data?.['build'] === 'string',
  },
  'job that must not be repeated, left': {
    document: 'mutation Announce($entry: ID!) { announce(name: $entry) }',
    variables: byEntry,
    way: 'leave',
    isLong: true,
    mayBeUnsure: true,
    effects: ['announce'],
    isSuccess: ({ data, errors }) => errors === undefined && typeof data?.['announce'] === 'string',
  },
  'long saga that is kept, left': {
    document: `mutation Kept($entry: ID!, $name: String!) @saga { createFolder(input: { name: $name }) { id } build(name: $entry) }`,
    variables: byName,
    way: 'leave',
    isLong: true,
    effects: ['create folder', 'build'],
    isSuccess: ({ data, errors }) =>
      errors === undefined && typeof data?.['createFolder']?.id === 'string' && typeof data['build'] === 'string',
  },
  'long saga that is undone, left': {
    document: `mutation Undone($entry: ID!, $name: String!) @saga {
      reserveStorage(reservation: $entry, bytes: 1) { id }
      build(name: $entry)
      createFile(input: { name: $name, mediaType: "text/plain", content: "aGVsbG8=", folderId: "fol_nowhere" }) { id }
    }`,
    variables: byName,
    way: 'leave',
    isLong: true,
    effects: ['reserve', 'build', 'discard', 'release'],
    isSuccess: isUndone,
  },
  'report, left': {
    document: 'query Report($entry: ID!) { report(name: $entry) }',
    variables: byEntry,
    way: 'leave',
    isLong: true,
    effects: [],
    isSuccess: ({ data, errors }) => errors === undefined && typeof data?.['report'] === 'string',
  },
} as const satisfies Record<string, Work>;
export type WorkName = keyof typeof WORK;

/** Who asks for what: the same order again and again, so that every fault meets every kind. */
const ORDER: readonly WorkName[] = [
  'two effects',
  'job, left',
  'two effects, left',
  "effect, then a plugin's field",
  'saga that is undone',
  'long saga that is undone, left',
  'two effects',
  'saga that is kept',
  'report, left',
  'two effects, started',
  "query of a plugin's field",
  'long saga that is kept, left',
  'two effects',
  'job that must not be repeated, left',
  'two effects, left',
];

export function workOf(number: number): WorkName {
  return ORDER[number % ORDER.length] as WorkName;
}
export function entryOf(number: number): string {
  return `entry-${number}`;
}

/** `release` takes `reserve` back, and so on. */
export const UNDOES: Partial<Record<Effect, Effect>> = {
  reserve: 'release',
  'create folder': 'delete folder',
  'create file': 'delete file',
  build: 'discard',
};
