import { Context } from '@temporalio/activity';

const HEARTBEAT_MS = 500;

/** Tells the server that this process is there while `work` runs. Without, the server learns that it is gone when all of the activity's time is up. */
export async function heartbeatDuring<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const beating = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beating);
  }
}
