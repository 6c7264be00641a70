import { useMemo, useState } from 'react';
import type { OperationEvent } from '../contract.js';
import type { OperationState } from '../operation-state.js';
import { useOperation } from './use-operation.js';

export interface UseOperationEventsOptions {
  /** At most this many, the newest. @default 1000 */
  tail?: number;
  filter?: (event: OperationEvent) => boolean;
}

export interface OperationEvents {
  /** Oldest first. While not following: as they were when following stopped. */
  readonly events: readonly OperationEvent[];
  /** Older events that are not kept. */
  readonly dropped: number;
  /** Newer events than those shown, while not following. */
  readonly fresh: number;
  readonly phase: OperationState['phase'];
  readonly follow: boolean;
  readonly setFollow: (follow: boolean) => void;
}

/** The durable events of an operation, from its start. They come through the operation's one subscription. */
export function useOperationEvents(
  id: string | null | undefined,
  { tail = 1_000, filter }: UseOperationEventsOptions = {},
): OperationEvents {
  const { events: all, dropped, phase } = useOperation(id, { events: true, select: selectEvents });
  /** The last `seq` shown when following stopped. */
  const [heldAt, hold] = useState<number | null>(null);
  return useMemo(() => {
    const shown = heldAt === null ? all : all.filter(({ seq }) => seq <= heldAt);
    const matching = filter === undefined ? shown : shown.filter(filter);
    return {
      events: matching.slice(-tail),
      dropped: dropped + Math.max(0, matching.length - tail),
      fresh: all.length - shown.length,
      phase,
      follow: heldAt === null,
      setFollow: (follow) => hold(follow ? null : (all.at(-1)?.seq ?? 0)),
    };
  }, [all, dropped, phase, filter, tail, heldAt]);
}

function selectEvents({ events, dropped, phase }: OperationState): Pick<OperationState, 'events' | 'dropped' | 'phase'> {
  return { events, dropped, phase };
}
