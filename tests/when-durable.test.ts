// DESIGN §1: a mutation field is `simple` (one service, one table) or names the workflow that does its work.
// A field that is on neither side fails here, so that nobody adds hand-made orchestration by accident.
import { readFileSync } from 'node:fs';
import { type FieldDefinitionNode, Kind, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { WorkflowName } from '#schema/contracts/workflows';

const MUTATIONS: Record<string, Record<string, 'simple' | WorkflowName>> = {
  tenants: {
    createTenant: 'simple',
    updateTenant: 'simple',
    updateTenantSettings: 'simple',
    setTenantQuotas: 'simple',
    addMember: 'simple',
    updateMemberRole: 'simple',
    removeMember: 'simple',
    reserveStorage: 'simple',
    releaseStorage: 'simple',
  },
  files: {
    createFolder: 'simple',
    renameFolder: 'simple',
    deleteFolder: 'simple',
    createFile: 'simple',
    // Signs a link; nothing is stored.
    createUpload: 'simple',
    uploadFile: 'simple',
    updateFile: 'simple',
    deleteFile: 'simple',
  },
  plugins: {
    installPlugin: 'plugin_installation_workflow',
    publishPluginVersion: 'simple',
  },
  operations: {
    startOperation: 'async_request_workflow',
    // One signal to one run; what it sets off is that run's own work.
    cancelOperation: 'simple',
    retryOperation: 'error_recovery_workflow',
    resolveOperation: 'error_recovery_workflow',
  },
};

describe('when durable', () => {
  it.each(Object.keys(MUTATIONS))('every mutation field of %s is simple or has its workflow', (subgraph) => {
    const fields = mutationFields(readFileSync(new URL(`../schema/subgraphs/${subgraph}.graphql`, import.meta.url), 'utf8'));
    expect(fields.sort()).toEqual(Object.keys(MUTATIONS[subgraph] ?? {}).sort());
  });

  it('every workflow named here is exported by the workflow bundle', () => {
    const index = readFileSync(new URL('../workers/workflows/index.ts', import.meta.url), 'utf8');
    const named = Object.values(MUTATIONS).flatMap((fields) => Object.values(fields).filter((kind) => kind !== 'simple'));
    expect(named.filter((workflow) => !index.includes(workflow))).toEqual([]);
  });
});

function mutationFields(sdl: string): string[] {
  return parse(sdl).definitions.flatMap((definition) =>
    (definition.kind === Kind.OBJECT_TYPE_DEFINITION || definition.kind === Kind.OBJECT_TYPE_EXTENSION) &&
    definition.name.value === 'Mutation'
      ? (definition.fields ?? []).map((field: FieldDefinitionNode) => field.name.value)
      : [],
  );
}
