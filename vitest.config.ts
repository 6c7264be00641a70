import { defineConfig } from 'vitest/config';

const node = { environment: 'node', pool: 'forks', testTimeout: 20_000, hookTimeout: 60_000 } as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...node,
          name: 'unit',
          include: ['{schema,platform,gateway,subgraphs,workers,cli,scripts,deploy}/**/*.test.ts', 'tests/federation/**/*.test.ts', 'tests/*.test.ts'],
          exclude: ['workers/tests/**', '**/dist/**', '**/node_modules/**'],
        },
      },
      {
        test: {
          ...node,
          name: 'workflow',
          include: ['workers/tests/**/*.test.ts'],
          globalSetup: ['tests/support/temporal-server.setup.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          ...node,
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts', 'tests/chaos/**/*.test.ts'],
          globalSetup: ['tests/support/temporal-server.setup.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: { name: 'web', environment: 'happy-dom', pool: 'forks', include: ['web/**/*.test.{ts,tsx}'], exclude: ['**/dist/**', '**/node_modules/**'] },
      },
    ],
    coverage: {
      provider: 'istanbul',
      include: ['schema/contracts/**', 'platform/**', 'gateway/**', 'subgraphs/**', 'workers/**', 'cli/**', 'web/client/**'],
      exclude: ['**/*.test.*', '**/tests/**', '**/generated/**', '**/dist/**', '**/migrations/**'],
      reporter: ['text-summary', 'json', 'json-summary', 'html'],
    },
  },
});
