import type { ReactNode } from 'react';
import { useQuery } from 'urql';
import { TenantName as TenantNameQuery } from '../queries.js';

/** A tenant's name by id, from the tenants service; the id where it cannot be read. Equal ids are asked once. */
export function TenantName({ id }: { id: string }): ReactNode {
  const [{ data }] = useQuery({ query: TenantNameQuery, variables: { id } });
  return <>{data?.tenant?.name ?? id}</>;
}
