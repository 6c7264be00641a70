// Workflow code that no worker of ours has: for what the worker does about it.
import { log } from '@temporalio/workflow';

export async function telling_workflow(): Promise<string> {
  log.info('told by a workflow');
  return Promise.resolve('done');
}

export async function endless_workflow(): Promise<void> {
  await Promise.resolve();
  for (;;);
}
