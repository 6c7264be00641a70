// Menus of the header, on the browser's own popovers: no positioning or focus code to load before the first page.
import { UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { type ReactNode, useId } from 'react';
import { Icon, type IconName } from '../icons.js';
import { useServices, useSession } from '../services.js';
import classes from './shell.module.css';

function Menu({ label, face, children }: { label: string; face: ReactNode; children: ReactNode }): ReactNode {
  const id = useId();
  return (
    <>
      <UnstyledButton className={classes.menuButton} aria-label={label} popoverTarget={id}>
        {face}
      </UnstyledButton>
      <div
        id={id}
        popover="auto"
        className={classes.menu}
        role="group"
        aria-label={label}
        onClick={({ currentTarget }) => currentTarget.hidePopover()}
      >
        {children}
      </div>
    </>
  );
}

const SCHEMES = [
  { value: 'light', label: 'Light', icon: 'sun' },
  { value: 'dark', label: 'Dark', icon: 'moon' },
  { value: 'auto', label: 'Like the system', icon: 'auto' },
] as const satisfies readonly { value: string; label: string; icon: IconName }[];

export function ColorSchemeMenu(): ReactNode {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const current = SCHEMES.find(({ value }) => value === colorScheme) ?? SCHEMES[2];
  return (
    <Menu label={`Colours: ${current.label}`} face={<Icon name={current.icon} />}>
      {SCHEMES.map(({ value, label, icon }) => (
        <UnstyledButton
          key={value}
          className={classes.menuItem}
          aria-pressed={value === current.value}
          onClick={() => setColorScheme(value)}
        >
          <Icon name={icon} size={16} />
          {label}
          {value === current.value && <Icon name="check" size={14} className={classes.chosen} />}
        </UnstyledButton>
      ))}
    </Menu>
  );
}

export function AccountMenu(): ReactNode {
  const { session } = useServices();
  const user = useSession()?.user;
  if (user === undefined) return null;
  const initials = user.name
    .split(' ')
    .map((part) => part[0])
    .join('')
    .slice(0, 2);
  return (
    <Menu label={`${initials}, account of ${user.name}`} face={<span className={classes.avatar}>{initials}</span>}>
      <div className={classes.who}>
        <strong>{user.name}</strong>
        <span>
          {user.id} · {user.tenant}
        </span>
      </div>
      <UnstyledButton className={classes.menuItem} onClick={() => session.signOut()}>
        <Icon name="signOut" size={16} />
        Sign out
      </UnstyledButton>
    </Menu>
  );
}
