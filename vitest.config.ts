import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

const node = { environment: 'node', pool: 'forks', testTimeout: 20_000, hookTimeout: 60_000 } as const;

// Vite would take graphql's ES build and Apollo's packages the CommonJS one: two copies of its classes.
const graphql = { find: /^graphql$/, replacement: createRequire(import.meta.url).resolve('graphql') };

/** The store tests once more, on PostgreSQL, where Debian's package is installed. CI installs it. */
const postgres = existsSync('/usr/lib/postgresql')
  ? [
      {
        extends: true as const,
        test: {
          ...node,
          name: 'postgres',
          include: ['platform/database/database.test.ts', 'subgraphs/{tenants,files}/*.test.ts', 'gateway/supergraph/*.test.ts'],
          globalSetup: ['tests/support/postgres.setup.ts'],
        },
      },
    ]
  : [];

export default defineConfig({
  resolve: { alias: [graphql] },
  test: {
    projects: [
      ...postgres,
      {
        extends: true,
        test: {
          ...node,
          name: 'unit',
          include: [
            '{schema,platform,gateway,subgraphs,workers,cli,scripts,deploy}/**/*.test.ts',
            'tests/federation/**/*.test.ts',
            'tests/*.test.ts',
          ],
          exclude: ['workers/tests/**', '**/dist/**', '**/node_modules/**'],
        },
      },
      {
        extends: true,
        test: {
          ...node,
          name: 'federation-durable',
          include: ['tests/federation/**/*.test.ts'],
          setupFiles: ['tests/federation/support/durable.setup.ts'],
          globalSetup: ['tests/support/temporal-server.setup.ts', 'tests/support/workflow-bundle.setup.ts'],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          ...node,
          name: 'workflow',
          include: ['workers/tests/**/*.test.ts'],
          globalSetup: ['tests/support/temporal-server.setup.ts'],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
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
        test: {
          name: 'web',
          environment: 'happy-dom',
          pool: 'forks',
          include: ['web/**/*.test.{ts,tsx}'],
          exclude: ['**/dist/**', '**/node_modules/**'],
        },
      },
    ],
    coverage: {
      provider: 'istanbul',
      reportOnFailure: true,
      include: ['schema/contracts/**/*.ts', '{platform,gateway,subgraphs,workers,cli,web/client}/**/*.{ts,tsx}'],
      exclude: ['**/*.test.*', '**/tests/**', '**/generated/**', '**/dist/**', '**/migrations/**'],
      reporter: ['text-summary', 'json', 'json-summary', 'html'],
    },
  },
});
