/** @param host - a name or an address as settings (`::1`) or URLs (`[::1]`) spell it */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}
