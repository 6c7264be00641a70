import type { ReactNode } from 'react';
import { useQuery } from 'urql';
import { MemberName as MemberNameQuery } from '../queries.js';

/** A member's name by id, from the tenants service; the id where it cannot be read. Equal ids are asked once. */
export function MemberName({ id }: { id: string }): ReactNode {
  const [{ data }] = useQuery({ query: MemberNameQuery, variables: { id } });
  return <>{data?.member?.name ?? id}</>;
}
