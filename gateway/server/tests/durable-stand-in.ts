// Stands in for Temporal and runs nothing by itself: a test says how a run that was started ends.
import { CodedError } from '#schema/contracts/errors';
import type { Json } from '#schema/contracts/json';
import type { OperationFacts, OperationSnapshot, OperationStatus } from '#schema/contracts/operations';
import type { ComplexRequest } from '#schema/contracts/workflows';
import type { DurablePort } from '../durable-port.js';

export interface Started {
  name: string;
  workflowId: string;
  facts: OperationFacts;
  once: boolean | undefined;
  request: ComplexRequest;
  operationId: string;
  finish(result: unknown): void;
  fail(error: Error): void;
  result: Promise<never>;
}

export interface RecoveryStandIn {
  id: string;
  status: OperationStatus;
  /** GraphQL response, when it has one. */
  result: Json;
  /** How often it was looked for. */
  looks: number;
}

export interface DurableStandIn {
  durable: DurablePort;
  started: Started[];
  cancelled: { id: string; reason: string | null }[];
  /** How operations that have ended are described, by their ids; of the others that they run. */
  ended: Map<string, Partial<OperationSnapshot>>;
  /** By the operation that failed. */
  recoveries: Map<string, RecoveryStandIn>;
  state: {
    isAvailable: boolean;
    isHere: boolean;
    startFails: Error | undefined;
    maxRequestBytes: number | undefined;
    onStarted: (run: Started) => void;
    reset(): void;
  };
}

export function createDurableStandIn(): DurableStandIn {
  const started: Started[] = [];
  const cancelled: DurableStandIn['cancelled'] = [];
  const ended: DurableStandIn['ended'] = new Map();
  const recoveries: DurableStandIn['recoveries'] = new Map();
  const state: DurableStandIn['state'] = {
    isAvailable: true,
    isHere: false,
    startFails: undefined,
    maxRequestBytes: undefined,
    onStarted: () => undefined,
    reset: () => {
      started.length = 0;
      cancelled.length = 0;
      ended.clear();
      recoveries.clear();
      Object.assign(state, {
        isAvailable: true,
        isHere: false,
        startFails: undefined,
        maxRequestBytes: undefined,
        onStarted: () => undefined,
      });
    },
  };
  const durable: DurablePort = {
    maxAnswerChars: 1_000_000,
    get maxRequestBytes() {
      return state.maxRequestBytes;
    },
    isAvailable: () => state.isAvailable,
    async start(name, args, { workflowId, facts, once }) {
      if (state.startFails !== undefined) throw state.startFails;
      const known = started.find((run) => run.workflowId === workflowId);
      if (known !== undefined) throw new CodedError('OPERATION_IN_PROGRESS', 'running', { details: { operationId: known.operationId } });
      const outcome = withResolvers<never>();
      outcome.promise.catch(() => undefined);
      const run: Started = {
        name,
        workflowId,
        facts,
        once,
        request: args[0] as ComplexRequest,
        operationId: `op_run${started.length}`,
        finish: (result) => outcome.resolve(result as never),
        fail: outcome.reject,
        result: outcome.promise,
      };
      started.push(run);
      state.onStarted(run);
      return { operationId: run.operationId, isHere: state.isHere, result: () => run.result };
    },
    attach: (operationId) => ({ operationId, result: () => find(operationId).result }),
    describe: async (id) => (started.some((run) => run.operationId === id) ? { ...toSnapshot(find(id)), ...ended.get(id) } : undefined),
    findRecovery: async (id) => {
      const recovery = recoveries.get(id);
      if (recovery === undefined) return undefined;
      recovery.looks += 1;
      const { facts, ...rest } = toSnapshot(find(id));
      const { status, result } = recovery;
      return { ...rest, id: recovery.id, status, result, facts: { ...facts, kind: 'RECOVERY', recovers: id } };
    },
    cancel: async (id, { reason }) => void cancelled.push({ id, reason }),
    judgeCredential: () => Promise.reject(new Error('not asked')),
  };

  function find(operationId: string): Started {
    const run = started.find((candidate) => candidate.operationId === operationId);
    if (run === undefined) throw new Error(`no run ${operationId}`);
    return run;
  }

  return { durable, started, cancelled, ended, recoveries, state };
}

function toSnapshot({ operationId, workflowId, facts }: Started): OperationSnapshot {
  return {
    id: operationId,
    workflowId,
    runId: 'r',
    workflowType: 'x',
    facts,
    status: 'WORKING',
    createdAt: '2026-01-01T00:00:00Z',
    closedAt: null,
    expiresAt: null,
    result: null,
    failure: null,
  };
}

/** `Promise.withResolvers` is not in Node 20. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}
