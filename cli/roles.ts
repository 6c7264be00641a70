/** What `sluice start` can be, beside everything at once. */
export const ROLES = ['gateway', 'worker', 'subgraph', 'plugin-host'] as const;
export type Role = (typeof ROLES)[number];

export const SUBGRAPH_NAMES = ['tenants', 'files', 'plugins', 'operations'] as const;
export type SubgraphName = (typeof SUBGRAPH_NAMES)[number];
