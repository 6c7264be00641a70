// Results of runs that end on a worker of this process: who started one here need not ask the server for what it has just been told.
// A result is handed over once the server has taken it, so that what a caller is told is what is kept.
import type { Payload } from '@temporalio/common';

/** Plain, as workflow code made it: it has not been encrypted yet. */
export interface LocalResult {
  runId: string;
  result: Payload;
}

export interface LocalResults {
  /** To be asked for before the run is started. */
  expect(workflowId: string): ExpectedResult;
  /** @param end - undefined when the run has left this worker without a result: the server knows more */
  tell(workflowId: string, end: LocalResult | undefined): void;
}

export interface ExpectedResult {
  readonly end: Promise<LocalResult | undefined>;
  /** It is not going to end here. */
  forget(): void;
}

export function createLocalResults(): LocalResults {
  const expected = new Map<string, Set<(end: LocalResult | undefined) => void>>();

  function tell(workflowId: string, end: LocalResult | undefined): void {
    const waiting = expected.get(workflowId) ?? [];
    expected.delete(workflowId);
    for (const settle of waiting) settle(end);
  }

  return {
    tell,
    expect(workflowId) {
      const waiting = expected.get(workflowId) ?? new Set();
      expected.set(workflowId, waiting);
      let settle: (end: LocalResult | undefined) => void = () => undefined;
      const end = new Promise<LocalResult | undefined>((resolve) => (settle = resolve));
      waiting.add(settle);
      return {
        end,
        forget() {
          waiting.delete(settle);
          if (waiting.size === 0 && expected.get(workflowId) === waiting) expected.delete(workflowId);
          settle(undefined);
        },
      };
    },
  };
}
