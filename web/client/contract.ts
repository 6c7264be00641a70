// The one place that reaches the repository's contract. By path, since a workspace cannot use the root's `#schema` alias;
// the build emits its own copy (tsconfig.build.json).
export {
  applyOperationEvent,
  EMPTY_OPERATION_VIEW,
  isTerminalEvent,
  TERMINAL_STATUSES,
  type OperationEvent,
  type OperationFailure,
  type OperationKindName,
  type OperationStatus,
  type OperationView,
  type ReportedEvent,
  type ResolutionChoice,
  type StepView,
} from '../../schema/contracts/operations.js';
