// By which names callers may reach us. A page of a foreign name that resolves to this machine (DNS rebinding) is of its own origin to a
// browser: only the Host that it has to send tells it from our pages.
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

export interface HostPolicy {
  allows(request: IncomingMessage): boolean;
}

/**
 * Addresses are let through: nobody can have a browser send one that it did not ask itself. Probes of Kubernetes and balancers send them.
 *
 * @param options.bound - HOST or ADMIN_HOST
 * @param options.allowed - names, `*.example.com` for all below one, `*` for any
 */
export function createHostPolicy(options: { bound: string; allowed: readonly string[] }): HostPolicy {
  const exact = new Set(['localhost', options.bound.toLowerCase(), ...options.allowed.map((name) => name.toLowerCase())]);
  const suffixes = [...exact].flatMap((name) => (name.startsWith('*.') ? [name.slice(1)] : []));
  return {
    allows({ headers: { host } }) {
      // HTTP/1.0 without one: no browser.
      if (host === undefined) return true;
      const name = host
        .replace(/:\d*$/, '')
        .replace(/^\[(.*)\]$/, '$1')
        .replace(/\.$/, '')
        .toLowerCase();
      if (isIP(name) !== 0 || exact.has(name) || exact.has('*') || name.endsWith('.localhost')) return true;
      return suffixes.some((suffix) => name.endsWith(suffix));
    },
  };
}
