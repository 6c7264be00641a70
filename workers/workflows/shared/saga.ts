// Steps with their undo, run in reverse when a step fails.
// S1. Undoing cannot be cancelled.  S2. An undo that fails is reported and does not stop the others.
// S3. A step that failed is undone as well: its activity may have had its effect before it was lost. So undos must be able to
//     find nothing to undo.
import { CancellationScope } from '@temporalio/workflow';
import { toFailure } from './failures.js';
import type { OperationReporter, StepName } from './operation-reporter.js';

export interface Undo {
  label: string;
  run(): Promise<void>;
}

export interface Saga {
  /** Runs a step and reports it. */
  step<T>(step: StepName, work: () => Promise<T>, undo?: Undo): Promise<T>;
  /** @returns whether everything could be undone */
  compensate(): Promise<boolean>;
}

export function createSaga(reporter: OperationReporter): Saga {
  const undos: { step: StepName; undo: Undo }[] = [];
  return {
    async step(step, work, undo) {
      reporter.stepStarted(step);
      if (undo !== undefined) undos.push({ step, undo });
      try {
        const result = await work();
        reporter.stepCompleted(step);
        return result;
      } catch (error) {
        reporter.stepFailed(step, toFailure(error));
        throw error;
      }
    },
    compensate: () =>
      CancellationScope.nonCancellable(async () => {
        let complete = true;
        for (const { step, undo } of undos.splice(0).reverse()) {
          const name = { id: `undo-${step.id}`, label: undo.label };
          reporter.compensationStarted(name, step.id);
          try {
            await undo.run();
            reporter.compensationCompleted(name, step.id);
          } catch (error) {
            complete = false;
            reporter.compensationFailed(name, step.id, toFailure(error));
          }
        }
        return complete;
      }),
  };
}
