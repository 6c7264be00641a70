// Workflow code that no worker of ours has: for what the worker does about it.
import { condition, log } from '@temporalio/workflow';

export async function telling_workflow(): Promise<string> {
  log.info('told by a workflow');
  return Promise.resolve('done');
}

export async function rejecting_workflow(): Promise<void> {
  void Promise.reject(new Error('unheard'));
  await condition(() => false);
}

export async function waiting_workflow(): Promise<void> {
  await condition(() => false);
}

/** @returns how many calls the stack of an error shows */
export async function erring_workflow(): Promise<number> {
  const depth = (left: number): number =>
    left === 0 ? (new Error('a defect').stack ?? '').split('\n    at ').length - 1 : depth(left - 1);
  return Promise.resolve(depth(3));
}

export async function endless_workflow(): Promise<void> {
  await Promise.resolve();
  for (;;);
}
