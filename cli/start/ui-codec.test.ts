import { expect, it } from 'vitest';
import { readGatewayConfig } from '#gateway/config';
import { toUiCodec } from './ui-codec.js';

const JWT = { SLUICE_JWKS_URL: 'https://id.example/jwks', SLUICE_JWT_ISSUER: 'https://id.example' };

it('gives the UI an address that is another at each start, and that nobody guesses', () => {
  const [first, second] = [toUiCodec(readGatewayConfig({ PORT: '4010' })), toUiCodec(readGatewayConfig({ PORT: '4010' }))];
  expect(first?.url).toBe('http://127.0.0.1:4010/temporal-codec');
  expect(Buffer.from(first?.capability ?? '', 'base64url')).toHaveLength(32);
  expect(first?.capability).not.toBe(second?.capability);
  expect(toUiCodec(readGatewayConfig({ HOST: '::1' }))?.url).toBe('http://[::1]:4000/temporal-codec');
});

it('puts no secret into it where nobody needs one', () => {
  expect(toUiCodec(readGatewayConfig({ SLUICE_AUTH: 'none' }))?.capability).toBeNull();
});

it.each<[string, Record<string, string>]>([
  ['tokens come from an identity provider, on loopback too', { SLUICE_AUTH: 'jwt', ...JWT }],
  ['others reach the gateway', { HOST: '0.0.0.0', ...JWT }],
  ['its port is any', { PORT: '0' }],
])('gives it none where %s', (_, env) => {
  expect(toUiCodec(readGatewayConfig(env))).toBeNull();
});
