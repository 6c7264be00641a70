import { type OperationClient, type OperationDocument, type StartPayload, createOperationClient } from '@sluice/client';
import { OperationProvider, useOperationMutation } from '@sluice/client/react';
import type { ReactNode } from 'react';

interface Data {
  startOperation: StartPayload;
}
interface Variables {
  document: string;
  deadlineSeconds: number;
}

// As text; with graphql-codegen's client preset `graphql(…)` brings both interfaces.
const START: OperationDocument<Data, Variables> = `
  mutation Start($document: String!, $deadlineSeconds: Int) {
    startOperation(document: $document, deadlineSeconds: $deadlineSeconds) {
      operation { id }
      userErrors { code message }
    }
  }`;
const REPORT = 'query Report { files(first: 100) { nodes { name size tenant { name plan } } } }';
const pick = (data: Data): StartPayload => data.startOperation;

export function Report(): ReactNode {
  const { start, starting, operation, userErrors, error } = useOperationMutation<Data, Variables>(START, { pick });
  const { progress, status, can, cancel, result } = operation;
  return (
    <section>
      <button disabled={starting} onClick={() => void start({ document: REPORT, deadlineSeconds: 300 })}>
        Make the report
      </button>
      {userErrors.map(({ code, message }) => (
        <p key={code}>{message}</p>
      ))}
      {error !== undefined && <p>{error.message}</p>}
      {operation.id !== null && (
        <p>
          {status}: {progress.done} of {progress.total}
        </p>
      )}
      {can.cancel && <button onClick={() => void cancel('not needed any more')}>Cancel</button>}
      {status === 'COMPLETED' && <pre>{JSON.stringify(result, null, 2)}</pre>}
    </section>
  );
}

/** @param token - of the signed-in user; called at every request and connect */
export const createClient = (token: () => string): OperationClient =>
  createOperationClient({
    url: '/graphql',
    headers: () => ({ authorization: `Bearer ${token()}` }),
    connectionParams: () => ({ token: token() }),
  });

export function App({ client }: { client: OperationClient }): ReactNode {
  return (
    <OperationProvider client={client}>
      <Report />
    </OperationProvider>
  );
}
