// A federated service in one file: @apollo/subgraph for the schema, node:http for the rest.
import { Buffer } from 'node:buffer';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, parse, validate } from 'graphql';

const MAX_BODY_BYTES = 6 * 1024 * 1024;

/**
 * The gateway adds what `@link` to https://sluice.dev/directives/v1.0 brings; this service has to know the directives, too.
 * Definitions that the schema does not use do no harm.
 */
const SLUICE_DIRECTIVES = `
  directive @idempotent on FIELD_DEFINITION
  directive @durable(mode: DurableMode! = AUTO) on FIELD_DEFINITION
  directive @compensate(with: String!, arguments: [String!]! = []) on FIELD_DEFINITION
  directive @timeout(ms: Int!) on FIELD_DEFINITION
  directive @retry(attempts: Int! = 3, intervalMs: Int! = 200, backoff: Float! = 2, maxIntervalMs: Int! = 10000) on FIELD_DEFINITION
  enum DurableMode { AUTO ALWAYS NEVER }`;

/** Resolvers get `{ idempotencyKey, body }` as their context: the header or null, and the text of the request. */
export async function serve({ name, port, schema: file, resolvers }) {
  const typeDefs = parse((await readFile(file, 'utf8')) + SLUICE_DIRECTIVES);
  const schema = buildSubgraphSchema([{ typeDefs, resolvers }]);

  async function answer(request) {
    const body = await readBody(request);
    const { query, variables, operationName } = JSON.parse(body);
    const document = parse(query);
    const errors = validate(schema, document);
    if (errors.length > 0) return { errors };
    const contextValue = { idempotencyKey: request.headers['idempotency-key'] ?? null, body };
    return execute({ schema, document, variableValues: variables, operationName, contextValue });
  }

  const server = createServer((request, response) => {
    answer(request).then(
      (result) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result)),
      (error) =>
        response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: [{ message: error.message }] })),
    );
  });
  server.listen(port, '127.0.0.1', () => console.log(`${name} at http://127.0.0.1:${server.address().port}/graphql`));
}

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error(`expected at most ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
