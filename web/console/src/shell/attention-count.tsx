import { Badge } from '@mantine/core';
import { useAttentionList } from '@sluice/client/react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import classes from './shell.module.css';

/** How much needs attention; nothing while there is nothing, or when it is not this user's to see. */
export function AttentionCount(): ReactNode {
  const { items, hasMore } = useAttentionList();
  if (items.length === 0) return null;
  return (
    <Badge color="orange" variant="light" size="md" circle={items.length < 10 && !hasMore} className={classes.navCount}>
      {items.length}
      {hasMore && '+'}
    </Badge>
  );
}

/** The same in the header, where the navigation is folded away. */
export function AttentionLink(): ReactNode {
  const { items, hasMore } = useAttentionList();
  if (items.length === 0) return null;
  return (
    <Link to="/attention" className={classes.attentionLink} aria-label={`${items.length}${hasMore ? '+' : ''} need attention`}>
      <AttentionCount />
    </Link>
  );
}
