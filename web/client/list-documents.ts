// What lists ask; apart from documents.ts, so that an application without lists does not load it.
import { LEFT, SUMMARY } from './document-parts.js';

export const OPERATION_LIST = `query SluiceOperations($first: Int!, $after: String, $filter: OperationFilter, $recent: Int!) {
  operations(first: $first, after: $after, filter: $filter) { nodes { ${SUMMARY} } pageInfo { hasNextPage endCursor } }
  recent: operations(first: $recent) { nodes { id status } }
}`;

/** Says when the list is worth reading again; what has changed is in the list. */
export const OPERATIONS_CHANGED = `subscription SluiceOperationsChanged {
  operationsChanged { id }
}`;

export const ATTENTION_LIST = `query SluiceAttention($first: Int!, $after: String) {
  operations(first: $first, after: $after, filter: { needsAttention: true }) {
    nodes {
      id title status createdAt startedBy { id } tenant { id }
      input { prompt choices }
      recovers { id kind title errors { code message retryable } compensation { status ${LEFT} } }
      compensation { steps { id status undoes } }
    }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** Says when the list of what needs attention is worth reading again. */
export const RECOVERIES_CHANGED = `subscription SluiceRecoveriesChanged {
  operationsChanged(filter: { kind: RECOVERY }) { id }
}`;
