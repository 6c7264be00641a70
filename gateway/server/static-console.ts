// Serves the built console: hashed assets, and index.html for every other path, with a policy that allows this origin only.
import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HttpHandler } from './graphql-http.js';
import { notFound } from './http-replies.js';

/** What counts as a file; every other path is a page of the console. */
const TYPES: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
};

const COMMON = "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** GraphiQL's editor sets styles by itself and works in blob workers. */
const EXPLORER_POLICY = `${COMMON}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:`;

function toStrictPolicy(nonce: string): string {
  return `${COMMON}; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; font-src 'self'`;
}

/** @param folder - the built console, as a file URL with a slash at its end */
export function createConsoleHandler(folder: URL): HttpHandler {
  const root = fileURLToPath(folder);
  let page: Promise<string | undefined> | undefined;

  /** Read once; again while it is not there, since a build may still run. */
  async function readPage(): Promise<string | undefined> {
    page ??= readFile(join(root, 'index.html'), 'utf8').catch(() => undefined);
    const text = await page;
    if (text === undefined) page = undefined;
    return text;
  }

  return async (request, response) => {
    const path = decodePath(request.url ?? '/');
    if (path === undefined) return notFound(response);
    response.setHeader('referrer-policy', 'no-referrer');
    response.setHeader('cross-origin-opener-policy', 'same-origin');

    const type = TYPES[extname(path)];
    if (type !== undefined) {
      const file = await readAsset(join(root, normalize(path)));
      if (file === undefined) return notFound(response);
      const isHashed = path.startsWith('/assets/');
      response.writeHead(200, {
        'content-type': type,
        'content-length': file.length,
        'cache-control': isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
        'content-security-policy': COMMON,
      });
      return void response.end(request.method === 'HEAD' ? undefined : file);
    }

    const html = await readPage();
    if (html === undefined) return notFound(response);
    const nonce = randomBytes(16).toString('base64url');
    const body = withNonce(html, nonce);
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      // The nonce must not be served twice.
      'cache-control': 'no-store',
      'content-security-policy': path === '/explorer' || path.startsWith('/explorer/') ? EXPLORER_POLICY : toStrictPolicy(nonce),
      vary: 'Accept',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
}

function withNonce(html: string, nonce: string): string {
  const meta = `<meta name="csp-nonce" content="${nonce}">`;
  const place = /<meta\s+name="csp-nonce"[^>]*>/;
  return place.test(html) ? html.replace(place, meta) : html.replace('<head>', `<head>${meta}`);
}

/** @returns undefined for what cannot be a path of ours */
function decodePath(url: string): string | undefined {
  try {
    const path = decodeURIComponent(url.split(/[?#]/, 1)[0] ?? '/');
    return path.includes('\0') || path.split(/[/\\]/).includes('..') ? undefined : path;
  } catch {
    return undefined;
  }
}

async function readAsset(file: string): Promise<Buffer | undefined> {
  try {
    return (await stat(file)).isFile() ? await readFile(file) : undefined;
  } catch {
    return undefined;
  }
}
