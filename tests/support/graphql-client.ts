// A caller of the gateway: GraphQL over HTTP with a dev token.
export interface GraphQLAnswer {
  data?: Record<string, any> | null; // eslint-disable-line @typescript-eslint/no-explicit-any -- tests read what they selected
  errors?: { message: string; path?: (string | number)[]; extensions: { code: string; [key: string]: unknown } }[];
  extensions?: { operation?: { id?: string; path: string; reason: string } };
}

export interface Caller {
  readonly url: string;
  readonly token: string;
  query(document: string, variables?: Record<string, unknown>, headers?: Record<string, string>): Promise<GraphQLAnswer>;
  /** The raw HTTP response. */
  post(body: unknown, headers?: Record<string, string>): Promise<Response>;
}

export function createCaller(url: string, token: string): Caller {
  const post = (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(90_000),
    });
  return {
    url,
    token,
    post,
    query: async (query, variables, headers) => (await (await post({ query, variables }, headers)).json()) as GraphQLAnswer,
  };
}

/** Signs a demo user in by the dev login. */
export async function signIn(url: string, user: string): Promise<Caller> {
  const response = await fetch(`${url}/dev/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ user }),
  });
  if (!response.ok) throw new Error(`dev login answered ${response.status}: ${await response.text()}`);
  return createCaller(url, ((await response.json()) as { token: string }).token);
}
