import { describe, expect, it } from 'vitest';
import { readGatewayConfig } from './config.js';

describe('the settings of the gateway', () => {
  it('are safe when nothing is set', () => {
    expect(readGatewayConfig({})).toEqual({
      host: '127.0.0.1',
      port: 4000,
      admin: { host: '127.0.0.1', port: 4001 },
      auth: { mode: 'dev' },
      execution: 'auto',
      maxRunAnswerChars: 16_000_000,
      sagas: [],
      overrideLabels: [],
      operations: new Map(),
      allowsPrivateWebhooks: false,
      accessRules: 'reject',
      limits: { tokens: 2_000, depth: 15, aliases: 30, directives: 20, rootFields: 20, selections: 2_000, cost: 1_000 },
      trustedDocuments: { mode: 'off', clients: new Map(), files: [] },
      allowedOrigins: [],
      allowedHosts: [],
      forwardHeaders: new Map(),
      longestWaitMs: null,
      subgraph: {
        timeoutMs: 3_000,
        maxAnswerBytes: 5 * 1024 * 1024,
        maxCalls: 1_024,
        compression: 'auto',
        sharesFetches: true,
        errors: new Map(),
      },
      uploads: { maxBytes: 1024 * 1024 * 1024, maxFiles: 10 },
      maxConnectionsPerClient: 10_000,
      drain: { waitMs: 0, requestsMs: 10_000 },
    });
  });

  it('are all named when several are wrong, also those that demand others', () => {
    const env = {
      PORT: 'abc',
      ADMIN_PORT: '99999',
      SLUICE_AUTH: 'jwt',
      SLUICE_JWT_ISSUER: 'https://idp.example',
      SUBGRAPH_TIMEOUT_MS: '-1',
    };
    expect(() => readGatewayConfig(env)).toThrow(/PORT.*'abc'.*ADMIN_PORT.*'99999'.*SUBGRAPH_TIMEOUT_MS.*SLUICE_JWKS_URL/);
  });

  it.each([
    [{ HOST: '0.0.0.0', SLUICE_AUTH: 'dev' }, /'dev' is for this machine only/],
    [{ HOST: '0.0.0.0', SLUICE_AUTH: 'none' }, /'none' is for this machine only/],
    [{ HOST: '0.0.0.0' }, /SLUICE_JWKS_URL.*SLUICE_JWT_ISSUER/],
    [{ SLUICE_AUTH: 'jwt', SLUICE_JWKS_URL: 'file:///keys' }, /SLUICE_JWKS_URL/],
    [{ PORT: 'http' }, /PORT.*got 'http'/],
    [{ SLUICE_EXECUTION: 'sometimes' }, /SLUICE_EXECUTION/],
    [{ SLUICE_OPERATIONS: 'Report=sometimes' }, /SLUICE_OPERATIONS.*Name=async/],
    [{ SLUICE_ALLOWED_ORIGINS: '*' }, /expected origins like/],
    [{ SLUICE_ALLOWED_ORIGINS: 'https://a.example/path' }, /expected origins like/],
    [{ SLUICE_ERRORS: 'products=some' }, /SLUICE_ERRORS.*expected services/],
    [{ SLUICE_FORWARD_HEADERS: 'products=connection' }, /SLUICE_FORWARD_HEADERS.*'connection'/],
    [{ SUBGRAPH_TIMEOUT_MS: '0' }, /SUBGRAPH_TIMEOUT_MS/],
    [{ SLUICE_TRUSTED_DOCUMENTS: 'on' }, /SLUICE_TRUSTED_DOCUMENTS/],
    [{ SLUICE_TRUSTED_DOCUMENTS_CLIENTS: 'web=sometimes' }, /SLUICE_TRUSTED_DOCUMENTS_CLIENTS.*expected <client>=<off\|log\|require>/],
    [{ SLUICE_TRUSTED_DOCUMENTS: 'require', SLUICE_AUTH: 'none' }, /SLUICE_TRUSTED_DOCUMENTS.*every scope/],
  ])('are refused with a sentence: %j', (env, message) => {
    expect(() => readGatewayConfig(env)).toThrowError(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('say per client which documents it may send', () => {
    const env = {
      SLUICE_TRUSTED_DOCUMENTS: 'log',
      SLUICE_TRUSTED_DOCUMENTS_CLIENTS: 'web=require, a=b=off',
      SLUICE_TRUSTED_DOCUMENTS_FILES: '/a.json,/b.json',
    };
    expect(readGatewayConfig(env).trustedDocuments).toEqual({
      mode: 'log',
      clients: new Map([
        ['web', 'require'],
        ['a=b', 'off'],
      ]),
      files: ['/a.json', '/b.json'],
    });
  });

  it('take tokens of an issuer where others can reach the gateway', () => {
    const env = {
      HOST: '0.0.0.0',
      SLUICE_JWKS_URL: 'https://id.example/keys',
      SLUICE_JWT_ISSUER: 'https://id.example',
      SLUICE_ALLOWED_ORIGINS: 'https://a.example, https://b.example',
    };
    expect(readGatewayConfig(env)).toMatchObject({
      auth: { mode: 'jwt', issuer: 'https://id.example', audience: 'sluice' },
      allowedOrigins: ['https://a.example', 'https://b.example'],
      maxConnectionsPerClient: 20,
    });
  });
});
