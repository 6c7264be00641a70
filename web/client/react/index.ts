/**
 * `@sluice/client/react`: hooks over the framework-free store. Peer: react ≥ 18.
 *
 * @packageDocumentation
 */
export { OperationProvider, type OperationProviderProps, useOperationClient } from './provider.js';
export { type LiveAttentionList, useAttentionList } from './use-attention-list.js';
export { type Connected, useConnection } from './use-connection.js';
export { type LiveOperation, type UseOperationOptions, useOperation } from './use-operation.js';
export { type OperationEvents, type UseOperationEventsOptions, useOperationEvents } from './use-operation-events.js';
export { type LiveOperationList, useOperationList } from './use-operation-list.js';
export { type OperationMutation, useOperationMutation } from './use-operation-mutation.js';
export { type OperationResolution, useOperationResolution } from './use-operation-resolution.js';
