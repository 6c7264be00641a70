// What any gateway must do for one fetch: undici, JSON both ways. Arguments: address, body, operations, callers. Prints CPU ms per operation.
import { Agent, request } from 'undici';

const [url, body, operations, callers] = process.argv.slice(2) as [string, string, string, string];
const agent = new Agent({ connections: Number(callers), pipelining: 1 });

async function run(count: number): Promise<void> {
  let left = count;
  await Promise.all(
    Array.from({ length: Number(callers) }, async () => {
      while (left-- > 0) {
        const answer = await request(url, {
          method: 'POST',
          dispatcher: agent,
          headers: { 'content-type': 'application/json', accept: 'application/json' },
          body: JSON.stringify({ query: body }),
        });
        await answer.body.json();
      }
    }),
  );
}

await run(Number(operations) / 4);
const before = process.cpuUsage();
await run(Number(operations));
const { user, system } = process.cpuUsage(before);
console.log(`ready ${(user + system) / 1000 / Number(operations)}`);
await agent.close();
