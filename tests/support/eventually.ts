/**
 * Asks until `accept` is true of the answer. For conditions that come about by themselves, in place of a sleep.
 *
 * @throws Error with the last answer after `timeoutMs`
 */
export async function eventually<T>(ask: () => Promise<T>, accept: (answer: T) => boolean, timeoutMs = 30_000, everyMs = 50): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (accept(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`not so within ${timeoutMs} ms; last: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
