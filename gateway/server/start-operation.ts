// `startOperation(document:, …)`: a document as an argument, read and judged as one that came by itself would be.
import {
  type DocumentNode,
  type FieldNode,
  getArgumentValues,
  getNamedType,
  getOperationAST,
  type GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
} from 'graphql';
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { JsonObject } from '#schema/contracts/json';
import type { ExecutablePlan, GraphQLErrorJson } from '#schema/contracts/plan';
import { MAX_ASYNC_DEADLINE_MS } from '#schema/contracts/workflows';
import type { DocumentChecker } from './check-document.js';
import type { TrustedDocuments } from './trusted-documents.js';

const FIELD = 'startOperation';
const MAX_URL_CHARS = 2_000;

export interface StartedOperation {
  document: DocumentNode;
  operation: OperationDefinitionNode;
  variables: Readonly<Record<string, unknown>>;
  /** Undefined: the standard one. */
  deadlineMs: number | undefined;
  /** Where to tell of the end. */
  webhook: string | undefined;
}

/**
 * @returns null for any other operation; errors when the document in it is not valid
 * @throws BAD_USER_INPUT, DOCUMENT_NOT_TRUSTED
 */
export function readStartOperation(request: {
  schema: GraphQLSchema;
  document: DocumentNode;
  operation: OperationDefinitionNode;
  variables: JsonObject;
  plan: Pick<ExecutablePlan, 'kind' | 'rootFields'>;
  auth: AuthContext;
  documents: Pick<DocumentChecker, 'check'>;
  trusted: TrustedDocuments;
  allowsPrivateWebhooks: boolean;
}): StartedOperation | { errors: readonly GraphQLErrorJson[] } | null {
  const { schema, plan, auth, documents, trusted } = request;
  const field = schema.getMutationType()?.getFields()[FIELD];
  // A foreign supergraph may have a field of that name.
  if (plan.kind !== 'mutation' || field === undefined || getNamedType(field.type).name !== 'StartOperationPayload') return null;
  if (!plan.rootFields.some(({ name }) => name === FIELD)) return null;
  if (plan.rootFields.length > 1) throw new CodedError('BAD_USER_INPUT', `${FIELD} stands alone in its mutation`);
  const node = findField(request.operation.selectionSet, request.document);
  if (node === undefined) throw new Error('a planned root field stands in its document');
  const args = getArgumentValues(field, node, request.variables);

  // Else a trusted document that starts another would let in every document.
  const text = trusted.resolve(auth, { query: args['document'] }) ?? '';
  const checked = documents.check(schema, text);
  if ('errors' in checked) return { errors: checked.errors.map(toInner) };
  const operation = getOperationAST(checked.document, args['operationName'] as string | null | undefined);
  if (operation == null)
    throw new CodedError('BAD_USER_INPUT', 'operationName: the document holds several operations, or none of that name');
  if (operation.operation === OperationTypeNode.SUBSCRIPTION)
    throw new CodedError('BAD_USER_INPUT', 'document: a subscription has no result to come back for');
  const variables = args['variables'] ?? {};
  if (typeof variables !== 'object' || Array.isArray(variables)) throw new CodedError('BAD_USER_INPUT', 'variables: expected an object');
  const seconds = args['deadlineSeconds'] as number | null | undefined;
  if (seconds != null && (seconds < 1 || seconds * 1_000 > MAX_ASYNC_DEADLINE_MS))
    throw new CodedError('BAD_USER_INPUT', `deadlineSeconds: expected 1 to ${MAX_ASYNC_DEADLINE_MS / 1_000}, got ${seconds}`);
  return {
    document: checked.document,
    operation,
    variables: variables as Record<string, unknown>,
    deadlineMs: seconds == null ? undefined : seconds * 1_000,
    webhook: readWebhook(args['webhook'] as string | null | undefined, request.allowsPrivateWebhooks),
  };
}

/** What its address leads to is judged when it is called (workers/activities/deliver-webhook.ts). */
function readWebhook(text: string | null | undefined, allowsPrivate: boolean): string | undefined {
  if (text == null) return undefined;
  const url = text.length <= MAX_URL_CHARS && URL.canParse(text) ? new URL(text) : null;
  const isKnown = url?.protocol === 'https:' || (allowsPrivate && url?.protocol === 'http:');
  if (url === null || !isKnown || url.username !== '' || url.password !== '')
    throw new CodedError('BAD_USER_INPUT', `webhook: expected an https address without credentials, at most ${MAX_URL_CHARS} characters`);
  return url.href;
}

function findField({ selections }: SelectionSetNode, document: DocumentNode): FieldNode | undefined {
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) {
      if (selection.name.value === FIELD) return selection;
      continue;
    }
    const fragment =
      selection.kind === Kind.INLINE_FRAGMENT
        ? selection
        : document.definitions.find(
            (definition) => definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === selection.name.value,
          );
    const found =
      fragment !== undefined && 'selectionSet' in fragment && fragment.selectionSet
        ? findField(fragment.selectionSet, document)
        : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Its places are the inner document's, so they would be taken for the outer one's. */
function toInner({ message, extensions }: GraphQLError): GraphQLErrorJson {
  return { message, extensions: { ...(extensions as JsonObject), code: String(extensions['code']) } };
}
