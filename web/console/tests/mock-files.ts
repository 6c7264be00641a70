// Files of the mock gateway: links to send bytes to and to fetch them from, as docs/guides/files.md says.
import type { IncomingMessage, ServerResponse } from 'node:http';

interface MockFile {
  id: string;
  name: string;
  mediaType: string;
  owner: { id: string };
  tenant: { id: string };
  createdAt: string;
  bytes: Buffer;
}

export interface MockFiles {
  readonly files: Map<string, MockFile>;
  /** The next bytes are taken when this resolves; those of a caller who leaves are dropped. */
  hold: Promise<void> | null;
  /** The next bytes are refused with this code. */
  refuse: string | null;
  readonly root: Record<string, unknown>;
  /** @returns whether the path was one of its links */
  answer(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
}

const NAMES = [
  'annual-report.pdf',
  'seed-list.csv',
  'harbour at dawn, third attempt, corrected colours.jpeg',
  'notes.txt',
  'invoice-0417.xml',
];
const TYPES = ['application/pdf', 'text/csv', 'image/jpeg', 'text/plain', 'application/xml'];

export function createMockFiles(page: (nodes: readonly { id: string }[], first: number, after?: string | null) => object): MockFiles {
  const files = new Map<string, MockFile>();
  const sent = new Map<string, Buffer>();
  let count = 0;
  for (let n = 0; n < 31; n += 1) {
    const id = `fil_${String(n).padStart(3, '0')}`;
    const name = n < NAMES.length ? NAMES[n]! : `scan-${String(n).padStart(4, '0')}.tiff`;
    files.set(id, {
      id,
      name,
      mediaType: TYPES[n] ?? 'image/tiff',
      owner: { id: n % 3 === 0 ? 'usr_alice' : 'usr_admin' },
      tenant: { id: n === 2 ? 'ten_acme' : 'ten_sluice' },
      createdAt: new Date(Date.now() - (n * 7 + 3) * 3_600_000).toISOString(),
      bytes: Buffer.alloc((n * 7_919 * 131) % 3_000_000, 'x'),
    });
  }
  const toFile = ({ bytes, ...file }: MockFile): object => ({
    ...file,
    size: bytes.length,
    sha256: '0'.repeat(64),
    downloadUrl: `/downloads/${file.id}`,
  });

  const mock: MockFiles = {
    files,
    hold: null,
    refuse: null,
    root: {
      files: ({ first, after, filter }: { first: number; after?: string | null; filter?: { nameContains?: string } | null }) => {
        const text = (filter?.nameContains ?? '').toLowerCase();
        const found = [...files.values()]
          .filter(({ name }) => name.toLowerCase().includes(text))
          .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
        return page(found.map(toFile) as { id: string }[], first, after);
      },
      file: ({ id }: { id: string }) => {
        const found = files.get(id);
        return found === undefined ? null : toFile(found);
      },
      createUpload: () => {
        const upload = `upl_${++count}`;
        return { upload, url: `/uploads/${upload}`, expiresAt: new Date(Date.now() + 900_000).toISOString() };
      },
      uploadFile: ({ input }: { input: { file: string; name: string; mediaType?: string } }, { user }: { user: string }) => {
        const bytes = sent.get(input.file);
        if (bytes === undefined) throw Object.assign(new Error('no such upload'), { extensions: { code: 'NOT_FOUND' } });
        const id = `fil_new_${input.file}`;
        const { name, mediaType = 'application/octet-stream' } = input;
        const owner = { id: `usr_${user}` };
        files.set(id, { id, name, mediaType, owner, tenant: { id: 'ten_sluice' }, createdAt: new Date().toISOString(), bytes });
        return toFile(files.get(id)!);
      },
      deleteFile: ({ id }: { id: string }) => {
        if (!files.delete(id)) throw Object.assign(new Error('no file of that id exists'), { extensions: { code: 'NOT_FOUND' } });
        return id;
      },
    },
    async answer(request, response) {
      const [, kind, id = ''] = (request.url ?? '').split('/');
      if (kind === 'downloads') {
        const file = files.get(id);
        response.writeHead(file === undefined ? 404 : 200, {
          'content-disposition': 'attachment',
          'content-type': 'application/octet-stream',
        });
        response.end(file?.bytes);
        return true;
      }
      if (kind !== 'uploads') return false;
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of request) {
          chunks.push(chunk as Buffer);
          await mock.hold;
        }
      } catch {
        return true;
      }
      const code = mock.refuse;
      if (code === null) sent.set(id, Buffer.concat(chunks));
      const errors = [{ message: 'There is no room left for the tenant.', extensions: { code, retryable: false } }];
      response.writeHead(code === null ? 201 : 422, { 'content-type': 'application/json' });
      response.end(JSON.stringify(code === null ? { upload: id } : { errors }));
      return true;
    },
  };
  return mock;
}
