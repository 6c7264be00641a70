// Which web pages may talk to us. Callers that are no browsers send no Origin and are let through: they hold a token.
import type { IncomingMessage } from 'node:http';

export interface OriginPolicy {
  /** May a page of this request's origin call us? True when it comes from no page. */
  allows(request: IncomingMessage): boolean;
  /** As {@link allows}, and the request names an own origin or none came by the browser's word. For doors that hand out tokens. */
  isOwn(request: IncomingMessage): boolean;
}

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * @param options.allowed - exact origins, e.g. `https://console.example.com`
 * @param options.isLoopback - bound to this machine only: then only its own names are own, whatever a Host header says, so that a foreign
 *   name that resolves to 127.0.0.1 gets nothing
 */
export function createOriginPolicy(options: { allowed: readonly string[]; isLoopback: boolean }): OriginPolicy {
  const allowed = new Set(options.allowed);

  function isOwnOrigin(origin: string, host: string): boolean {
    if (origin !== `http://${host}` && origin !== `https://${host}`) return false;
    return !options.isLoopback || isLoopbackHost(host);
  }

  return {
    allows({ headers }) {
      const { origin, host = '' } = headers;
      if (origin !== undefined) return allowed.has(origin) || isOwnOrigin(origin, host);
      // Requests without an Origin that a browser makes for another site: navigations, images, scripts.
      const site = headers['sec-fetch-site'];
      return site === undefined || site === 'same-origin' || site === 'none';
    },
    isOwn({ headers, method }) {
      const { origin, host = '' } = headers;
      if (options.isLoopback && !isLoopbackHost(host)) return false;
      const site = headers['sec-fetch-site'];
      if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
      // Browsers send an Origin with every POST; a POST without one is no page's.
      return origin === undefined ? method === 'GET' : isOwnOrigin(origin, host);
    },
  };
}

export function isLoopbackHost(host: string): boolean {
  return LOOPBACK_NAMES.has(host.replace(/:\d+$/, ''));
}
