import { ApplicationFailure, proxyActivities, sleep } from '@temporalio/workflow';
import type { WebhookActivities } from '#schema/contracts/activities';
import { ERROR_CODES } from '#schema/contracts/errors';
import type { WebhookDelivery } from '#schema/contracts/workflows';
import { createCancellableWork } from './shared/cancellation.js';
import { createReporter } from './shared/operation-reporter.js';
import { nextWaitMs } from './shared/webhook-schedule.js';

const { deliver_webhook_activity } = proxyActivities<WebhookActivities>({
  startToCloseTimeout: '20s',
  // Only for an attempt whose worker was lost.
  retry: { maximumAttempts: 3 },
  summary: 'message to the receiver',
});

/**
 * Tells a receiver of an operation's end, for days if it has to: each wait is a durable timer, or longer where the receiver said so.
 *
 * @throws ApplicationFailure WEBHOOK_UNDELIVERED; CancelledFailure
 */
export async function webhook_delivery_workflow(delivery: WebhookDelivery): Promise<void> {
  const reporter = createReporter({ showsStatus: true });
  const work = createCancellableWork(reporter);
  reporter.started('Webhook', []);
  const problem = await work.run(deliver).catch(async (error: unknown) => {
    if (!work.isCancelled()) throw error;
    reporter.cancelled(work.reason());
    throw await work.toFailure();
  });
  if (problem === null) return reporter.completed();
  const { retryable } = ERROR_CODES.WEBHOOK_UNDELIVERED;
  reporter.failed({ code: 'WEBHOOK_UNDELIVERED', message: problem, retryable });
  throw ApplicationFailure.create({ type: 'WEBHOOK_UNDELIVERED', message: problem, nonRetryable: true });

  /** @returns why it could not be delivered */
  async function deliver(): Promise<string | null> {
    for (let attempt = 1; ; attempt += 1) {
      const step = { id: `attempt-${attempt}`, label: `attempt ${attempt}` };
      reporter.stepStarted(step);
      const outcome = await deliver_webhook_activity(delivery);
      if (outcome.kind === 'delivered') {
        reporter.stepCompleted(step);
        return null;
      }
      reporter.stepFailed(step, { code: 'WEBHOOK_UNDELIVERED', message: outcome.reason, retryable: outcome.kind === 'failed' });
      const waitMs = nextWaitMs(attempt, outcome);
      if (waitMs === null) return outcome.reason;
      await sleep(waitMs, { summary: 'before the next attempt' });
    }
  }
}
