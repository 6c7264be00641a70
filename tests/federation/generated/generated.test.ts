import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';
import { runs } from '../support/runtime.js';
import { compareWithMerged, operations } from './compare.js';
import { services } from './universe.js';

const world = createWorld(services);

describe('for generated operations', () => {
  // Sampled, not shrunk: of operations of this size every attempt costs a plan. `npm run fuzz` runs many more.
  it.each([1, 2, 3, 4, 5])(
    'the gateway answers as the merged schema does, with errors where that has them: batch %i',
    async (batch) => {
      for (const { document, variables } of fc.sample(operations, { seed: batch, numRuns: runs(10) })) {
        const { response } = await world.run(document, variables);
        const difference = await compareWithMerged({ document, variables }, JSON.parse(JSON.stringify(response)) as object);
        expect(difference, `${document}\n${JSON.stringify(variables)}`).toBeNull();
      }
    },
    60_000,
  );
});
