// The gateways as a client knows them: one that does not answer is left for the next.
export interface Door {
  url: string;
  token: string;
}

export type Doors = readonly [Door, ...Door[]];

export function pickDoor(doors: Doors, turn: number): Door {
  return doors[turn % doors.length] as Door;
}

/** One GraphQL request. @throws whatever kept it from a JSON answer within 30 s */
export async function post(
  { url, token }: Door,
  body: { query: string; variables: Record<string, unknown> },
  headers: Record<string, string> = {},
): Promise<{ operationId: string | null; status: number; body: unknown }> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  return { operationId: response.headers.get('operation-id'), status: response.status, body: await response.json() };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
