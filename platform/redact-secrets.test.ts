import { describe, expect, it } from 'vitest';
import { isSecretName, redactSecrets } from './redact-secrets.js';

const CANARY = 'Canary91d2Canary91d2';

describe('a text', () => {
  it.each([
    `connect to postgres://app:${CANARY}@db.internal:5432/shop failed`,
    `mysql://root:p@ss/${CANARY}@10.0.0.1/x`,
    `redis://:${CANARY}@cache:6379`,
    `clone https://${CANARY}@git.example.com/a.git`,
    `Authorization: Bearer ${CANARY}`,
    `authorization: Basic ${CANARY}==`,
    `got bearer ${CANARY}.`,
    `jwt eyJhbGciOiJIUzI1NiJ9.${CANARY}.${CANARY} is too old`,
    `password=${CANARY} host=db`,
    `{"password":"${CANARY}"}`,
    `{ dbPassword: '${CANARY}' }`,
    `PGPASSWORD=${CANARY}`,
    `client_secret: ${CANARY}`,
    `?api_key=${CANARY}&x=1`,
    `x-api-key: ${CANARY}`,
    `aws_secret_access_key = ${CANARY}`,
    `access_token=${CANARY}`,
    `refreshToken: "${CANARY}"`,
    `Cookie: ${CANARY}`,
    `AccountKey=${CANARY}==;EndpointSuffix=core`,
    `-----BEGIN RSA PRIVATE KEY-----\nMII${CANARY}\n-----END RSA PRIVATE KEY-----`,
    `-----BEGIN PRIVATE KEY-----\nMII${CANARY}`,
    `key AKIA${'CANARY9142CANARY'} is not known`.replace('CANARY9142CANARY', CANARY.toUpperCase()),
    `ghp_${CANARY}`,
    `xoxb-${CANARY}`,
    `sk_live_${CANARY}`,
    `whsec_${CANARY}`,
  ])('loses its secret and nothing else is needed to read it: %s', (text) => {
    const clean = redactSecrets(text);
    expect(clean).not.toMatch(new RegExp(CANARY, 'i'));
    expect(clean).toContain('[redacted]');
    expect(redactSecrets(clean)).not.toMatch(new RegExp(CANARY, 'i'));
  });

  it.each([
    'quantity must be below 5',
    'no file of that id; ask for https://docs.example.com/errors#gone',
    'the key of the product is not unique',
    'your session has ended, sign in again',
    'Unexpected token } in JSON',
    'the password is too short',
    'a basic account may not do this',
  ])('without one stays as it is: %s', (text) => expect(redactSecrets(text)).toBe(text));

  it.each(['://', 'password=', 'eyJ', 'a:', '-----BEGIN PRIVATE KEY-----', 'Bearer ', 'token:', '_token', 'session id'])(
    'of many %j is read in time',
    (part) => expect(redactSecrets(part.repeat(1_000_000 / part.length)).length).toBeLessThan(1_000_000),
  );
});

it('a value is a secret by its name in every spelling', () => {
  for (const name of [
    'password',
    'dbPassword',
    'DB_PASSWORD',
    'apiKey',
    'api-key',
    'accessToken',
    'authorization',
    'x-gateway-auth',
    'clientSecret',
  ])
    expect([name, isSecretName(name)]).toEqual([name, true]);
  for (const name of ['left', 'code', 'key', 'tokens', 'passwordRules', 'secretary'])
    expect([name, isSecretName(name)]).toEqual([name, false]);
});
