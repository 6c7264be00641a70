import { Code, Text } from '@mantine/core';
import type { OperationLeftover } from '@sluice/client';
import type { ReactNode } from 'react';
import { Icon } from '../icons.js';
import classes from './recovery.module.css';

/** Effects that could not be undone: whose they are, what would undo them, and why it did not. */
export function Leftovers({ items, label }: { items: readonly OperationLeftover[]; label: string }): ReactNode {
  return (
    <ul className={classes.leftovers} aria-label={label}>
      {items.map(({ step, service, effect, undo, arguments: given, failure }) => (
        <li key={step}>
          <Icon name="alert" size={16} className={classes.leftIcon} />
          <span>
            <Text component="span" display="block" size="sm">
              <strong>{effect}</strong> took effect, or may have. It is left for the operators of <strong>{service}</strong>.
            </Text>
            <Text component="span" display="block" size="xs" c="dimmed">
              {undo === null ? (
                'No mutation of the service takes it back:'
              ) : (
                <>
                  Undone by <Code className={classes.code}>{`${undo}(${toArguments(given)})`}</Code> which failed:
                </>
              )}{' '}
              {failure.message} <Code className={classes.code}>{failure.code}</Code>
            </Text>
          </span>
        </li>
      ))}
    </ul>
  );
}

function toArguments(given: unknown): string {
  if (typeof given !== 'object' || given === null) return 'arguments unknown';
  return Object.entries(given)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join(', ');
}
