import { createKeys } from '#platform/keys';

/** `sluice keys`: one line for SLUICE_KEYS, to be kept like a password. */
export async function printNewKeys(): Promise<number> {
  console.log(JSON.stringify(await createKeys()));
  return 0;
}
