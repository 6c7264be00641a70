// Loaded before the product under measurement, with --expose-gc: on SIGUSR2 only what is in use stays resident.
import { isMainThread } from 'node:worker_threads';

if (isMainThread) process.on('SIGUSR2', () => globalThis.gc());
