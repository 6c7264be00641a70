// Finds credentials inside foreign texts. Every pattern is linear in the text: what is matched is bounded by a class that excludes what ends it.

const MASK = '[redacted]';
/** Of a text longer than this only the start is looked at and kept. */
const MAX_CHARS = 32_768;
const MAX_LOG_CHARS = 1_000;

/** What stands before a secret is `$1` and stays, so that a reader still sees what kind of value was there. */
const SECRETS: readonly RegExp[] = [
  /(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)[^-]*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g,
  // scheme://user:password@host; passwords may hold `@` and `/`.
  /([a-z][a-z0-9+.-]{0,31}:\/\/)[^\s"'<>`]{1,1024}(?=@)/gi,
  // A word of small letters alone is a word: `bearer authentication`.
  /(\b(?:[Bb]earer|BEARER|[Bb]asic|[Dd]igest|[Nn]egotiate)\s{1,4})(?=[a-z.~+/=_-]{0,64}[A-Z0-9])[\w.~+/=-]{6,}/g,
  /()\beyJ[\w-]{8,}(?:\.[\w-]*){1,4}/g,
  // password=… "secret": "…" api_key: … X-Api-Key: … aws_secret_access_key=…
  /((?:passw(?:or)?d|passphrase|pwd|secret|api[-_ ]?key|(?:access|private|account|secret)[-_ ]?key|credentials?|signature|authorization|cookie|session[-_ ]?id)["'\]]{0,3}\s{0,4}(?:=|:|=>)\s{0,4}["'`]?(?:(?:Bearer|Basic|Digest|Negotiate)\s{1,4})?)(?!\[redacted\])[^\s"'`,;&)}\]]+/gi,
  /(token["'\]]{0,3}\s{0,4}(?:=|:)\s{0,4}["'`]?)[\w.~+/=-]{8,}/gi,
  // Keys that say by their prefix whose they are: AWS, Google, GitHub, GitLab, Slack, Stripe, OpenAI, npm, webhooks.
  /()\b(?:(?:AKIA|ASIA)[A-Z0-9]{12,}|AIza[\w-]{30,}|gh[a-z]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|xox[a-z]-[\w-]{10,}|[rsp]k_(?:live|test)_\w{10,}|sk-[\w-]{16,}|npm_\w{20,}|whsec_[\w+/=]{10,})/g,
];

/** A cheap test: a text without any of these holds no secret that is known here. */
const MAY_HOLD =
  /PRIVATE KEY|:\/\/|bearer|basic|digest|negotiate|eyJ|pass|pwd|secret|key|credential|signature|authorization|cookie|session|token|AKIA|ASIA|AIza|gh[a-z]_|github_|glpat-|xox|k_(?:live|test)_|sk-|npm_|whsec_/i;

/** Names under which a value is a secret, whatever it looks like. */
const SECRET_NAME =
  /^(?:.*[-_])?(?:passw(?:or)?d|passphrase|pwd|secret|token|api[-_]?key|apikey|(?:access|private|secret)[-_]?key|credentials?|authorization|cookie|set-cookie|x-gateway-auth|database[-_]?url|dsn)$/i;
const CAMEL_BORDER = /([a-z0-9])([A-Z])/g;

/** @returns the text with credentials replaced by `[redacted]` */
export function redactSecrets(text: string): string {
  const read = text.length > MAX_CHARS ? text.slice(0, MAX_CHARS) : text;
  return MAY_HOLD.test(read) ? SECRETS.reduce((clean, secret) => clean.replace(secret, `$1${MASK}`), read) : read;
}

/** What an error says, for the log beside a reference: what callers may not read is not lost. Values of a failed query's parameters stay out. */
export function toLogText(error: unknown): string {
  const text = error instanceof Error ? error.message : typeof error === 'string' ? error : '';
  return redactSecrets(text.split('\nparams: ', 1)[0] ?? '').slice(0, MAX_LOG_CHARS);
}

/** Is the value under this key a secret by its name (`password`, `apiKey`, `db_password`)? */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.replace(CAMEL_BORDER, '$1_$2'));
}
