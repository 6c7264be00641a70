import type { ReactNode } from 'react';
import classes from './plugin-mark.module.css';

const HUES = ['indigo', 'teal', 'grape', 'orange', 'cyan', 'pink', 'lime', 'violet'] as const;

/** A plugin's two letters on a tint that its name always gets. */
export function PluginMark({ name, size = 44 }: { name: string; size?: number }): ReactNode {
  const slug = name.split('/').at(-1) ?? name;
  const [first = '', second = ''] = slug.split('-');
  const letters = second === '' ? slug.slice(0, 2) : `${first.charAt(0)}${second.charAt(0)}`;
  const hue = HUES[[...name].reduce((sum, char) => sum + char.charCodeAt(0), 0) % HUES.length];
  return (
    <span
      aria-hidden="true"
      className={classes.mark}
      data-hue={hue}
      style={{ width: size, height: size, fontSize: size * 0.36, borderRadius: size * 0.26 }}
    >
      {letters}
    </span>
  );
}
