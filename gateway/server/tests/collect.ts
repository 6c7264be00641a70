/** Everything that a stream brings until it ends. (`Array.fromAsync` is not in Node 20.) */
export async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}
