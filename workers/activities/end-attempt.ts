// Ends the attempt of an activity that Temporal cuts for another reason than a cancellation of its workflow.
// A1. `Context.cancellationSignal` aborts for all reasons alike: the workflow cancelled the activity (CANCELLED), the worker shuts down, somebody
//     paused or reset the activity, its time is up, or the server does not know it any more. Only the first is a wish that the work should end.
// A2. For all others the attempt ends with Temporal's own failure at once, whatever the activity answers: an activity that reports what was cut as
//     data would end work that nobody cancelled. After a shutdown, a pause or a reset the server retries the activity where its policy allows that;
//     where it does not, the workflow sees a lost attempt, as it does when the process is killed.
// A3. The activity is not waited for after that. It is safe to repeat, as every activity is, and hears the abort by its own signal.
import type { Context } from '@temporalio/activity';
import type { CancelledFailure } from '@temporalio/common';
import type { ActivityInterceptors } from '@temporalio/worker';

/** An interceptor for every worker: it wraps activities of all types, local ones too. */
export function endAttempt({ cancellationSignal }: Context): ActivityInterceptors {
  return {
    inbound: {
      execute: (input, next) => {
        // Registered before the activity registers anything, so that it rejects first.
        const cut = new Promise<never>((_, reject) => {
          const end = (): void => {
            const failure = cancellationSignal.reason as CancelledFailure;
            if (failure.message !== 'CANCELLED') reject(failure);
          };
          if (cancellationSignal.aborted) end();
          else cancellationSignal.addEventListener('abort', end, { once: true });
        });
        return Promise.race([cut, next(input)]);
      },
    },
  };
}
