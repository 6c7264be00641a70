// What the drill's clients ask for. Each piece of work is known by its entry, which stands in everything that it does.

/** As the ledger calls them (ledger.ts). */
export type Effect = 'reserve' | 'release' | 'create folder' | 'delete folder' | 'create file' | 'delete file' | 'install' | 'uninstall';

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
  isSuccess(result: GraphQLResult): boolean;
}

const byName = (entry: string): Record<string, unknown> => ({ entry, name: entry });
const isRecorded = ({ data, errors }: GraphQLResult): boolean =>
  errors === undefined && typeof data?.['reserveStorage']?.id === 'string' && typeof data['createFolder']?.id === 'string';

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
    isSuccess: ({ errors = [] }) =>
      errors
        .map(({ extensions }) => extensions?.code ?? 'none')
        .sort()
        .join() === 'NOT_FOUND,STEP_UNDONE,STEP_UNDONE',
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
} as const satisfies Record<string, Work>;
export type WorkName = keyof typeof WORK;

/** Who asks for what: the same order again and again, so that every kill meets every kind. */
const ORDER: readonly WorkName[] = [
  'two effects',
  'two effects, left',
  "effect, then a plugin's field",
  'saga that is undone',
  'two effects',
  'saga that is kept',
  'two effects, started',
  "query of a plugin's field",
  'two effects',
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
};
