// An identity provider: a key set over HTTP, and access tokens that it signs.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export interface IdentityProvider {
  jwksUrl: string;
  issuer: string;
  issue(claims: { sub: string; tenant: string; scopes: readonly string[] }): Promise<string>;
  close(): void;
}

export async function startIdentityProvider(): Promise<IdentityProvider> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'ES256' }] };
  const server = createServer((_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(keys)),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    jwksUrl: `${issuer}/jwks`,
    issuer,
    issue: ({ sub, tenant, scopes }) =>
      new SignJWT({ tenant, scope: scopes.join(' ') })
        .setProtectedHeader({ alg: 'ES256', kid: 'test', typ: 'at+jwt' })
        .setIssuer(issuer)
        .setAudience('sluice')
        .setSubject(sub)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
