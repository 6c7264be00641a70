// Inline icons: no request, no font, the text's colour. They are decoration; the words beside them say it.
import type { ReactNode } from 'react';

const PATHS = {
  overview: 'M4 4h7v7H4zM13 4h7v4h-7zM13 11h7v9h-7zM4 14h7v6H4z',
  plugin: 'M9 4v3M15 4v3M7 7h10v5a5 5 0 0 1-10 0zM12 17v3',
  operations: 'M3 12h4l3-7 4 14 3-7h4',
  explorer: 'M5 7l5 5-5 5M12 17h7',
  edit: 'M4 20l1-4.500L16 4.500l3.500 3.500L8.500 19zM14 6.500l3.500 3.500',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  upload: 'M12 16V5M7 9l5-5 5 5M5 20h14',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  cross: 'M6 6l12 12M18 6L6 18',
  alert: 'M12 8v5M12 16.5v.01M10.3 4.2L2.9 17a2 2 0 0 0 1.7 3h14.8a2 2 0 0 0 1.7-3L13.7 4.2a2 2 0 0 0-3.4 0z',
  clock: 'M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  external: 'M14 5h5v5M19 5l-8 8M17 14v5H5V7h5',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4.5 4.5',
  refresh: 'M20 11a8 8 0 0 0-14-4.5L4 8.5M4 4v4.5h4.5M4 13a8 8 0 0 0 14 4.5l2-2M20 20v-4.5h-4.5',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M4.2 4.2l1.4 1.4M18.4 18.4l1.4 1.4M2.5 12h2M19.5 12h2M4.2 19.8l1.4-1.4M18.4 5.6l1.4-1.4',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  auto: 'M3 5h18v11H3zM9 20h6M12 16v4',
  signOut: 'M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9',
  arrowRight: 'M5 12h14M13 6l6 6-6 6',
  arrowUp: 'M12 19V5M6 11l6-6 6 6',
  shield: 'M12 3l7 3v5c0 4.5-3 8-7 10-4-2-7-5.5-7-10V6z',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  undo: 'M8 5L4 9l4 4M4 9h10a6 6 0 0 1 0 12h-3',
  pending: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z',
  skipped: 'M6 12h12',
  input: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM10 9v6M14 9v6',
  stop: 'M7 7h10v10H7z',
  back: 'M19 12H5M11 6l-6 6 6 6',
  key: 'M14.5 4a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM10.5 13.5L4 20M7 17l2.5 2.5',
  globe:
    'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c2.5 2.5 3.7 5.5 3.7 9S14.5 18.500 12 21c-2.500-2.500-3.700-5.500-3.700-9S9.500 5.500 12 3z',
  file: 'M7 3h7l4 4v14H7zM14 3v4h4',
  inbox: 'M4 13l2.500-8h11L20 13v6H4zM4 13h5l1.500 2.500h3L15 13h5',
  running: 'M12 3a9 9 0 1 0 9 9',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18, className }: { name: IconName; size?: number; className?: string | undefined }): ReactNode {
  return (
    <svg
      aria-hidden="true"
      focusable="false"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={size < 18 ? 2.25 : 1.85}
      strokeLinecap="round"
      strokeLinejoin="round"
      className={className}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Logo({ size = 28 }: { size?: number }): ReactNode {
  return (
    <svg
      aria-hidden="true"
      focusable="false"
      width={size}
      height={size}
      viewBox="0 0 32 32"
      fill="none"
      strokeLinecap="round"
      strokeWidth={2.6}
    >
      <rect width="32" height="32" rx="8" fill="#3b5bdb" />
      <path d="M8 7v18M24 7v18" stroke="#fff" />
      <path d="M8 12.5c2.7-2.4 5.3-2.4 8 0s5.3 2.4 8 0M8 20c2.7-2.4 5.3-2.4 8 0s5.3 2.4 8 0" stroke="#bac8ff" />
    </svg>
  );
}
