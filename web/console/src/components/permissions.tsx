import { Code, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Icon, type IconName } from '../icons.js';
import classes from './permissions.module.css';

interface Meaning {
  icon: IconName;
  words: string;
}

/** What a permission allows, in words. */
function meaningOf(permission: string): Meaning {
  const [area = '', ...rest] = permission.split(':');
  const what = rest.join(':');
  switch (area) {
    case 'net':
      return { icon: 'globe', words: `Call ${what} over the network` };
    case 'kv':
      return { icon: 'inbox', words: 'Keep data of its own' };
    case 'secret':
      return { icon: 'key', words: `Use the secret ${what}` };
    case 'events':
      return { icon: 'operations', words: 'Send events' };
    default:
      return { icon: 'file', words: `${what === 'write' ? 'Read and change' : 'Read'} ${area}` };
  }
}

export function PermissionList({ permissions }: { permissions: readonly { permission: string; reason: string }[] }): ReactNode {
  if (permissions.length === 0)
    return (
      <div className={classes.none}>
        <Icon name="shield" /> It asks for nothing: its code sees only what its fields are given.
      </div>
    );
  return (
    <ul className={classes.list}>
      {permissions.map(({ permission, reason }) => {
        const { icon, words } = meaningOf(permission);
        return (
          <li key={permission} className={classes.permission}>
            <span className={classes.icon}>
              <Icon name={icon} />
            </span>
            <span>
              <Text component="span" display="block" size="sm" fw={550}>
                {words} <Code className={classes.code}>{permission}</Code>
              </Text>
              <Text component="span" display="block" size="sm" c="dimmed">
                {reason}
              </Text>
            </span>
          </li>
        );
      })}
    </ul>
  );
}
