// Contrast of at least 4.5 : 1 in every variant, light and dark (WCAG AA); tests/console.test.ts runs axe over the pages.
import { type CSSVariablesResolver, type MantineColorsTuple, createTheme, darken } from '@mantine/core';

const slate: MantineColorsTuple = [
  '#d5d9e2',
  '#b8becb',
  '#929bac',
  '#626c7e',
  '#3d4554',
  '#2c333f',
  '#222833',
  '#1a1f28',
  '#13171e',
  '#0d1015',
];

export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 8, dark: 8 },
  autoContrast: true,
  // Black and white text contrast equally at this luminance.
  luminanceThreshold: 0.179,
  colors: { dark: slate },
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  headings: {
    fontWeight: '650',
    sizes: {
      h1: { fontSize: '1.625rem', lineHeight: '1.25' },
      h2: { fontSize: '1.0625rem', lineHeight: '1.4' },
      h3: { fontSize: '0.9375rem', lineHeight: '1.4' },
    },
  },
});

/** How much darker than shade 9 a hue's text has to be on its own light tint. */
const DARKER: Readonly<Record<string, number>> = { yellow: 0.5, lime: 0.4, orange: 0.35, green: 0.3, teal: 0.25, cyan: 0.15 };

export const cssVariablesResolver: CSSVariablesResolver = ({ colors }) => {
  const light: Record<string, string> = {
    '--mantine-color-dimmed': '#495057',
    '--mantine-color-anchor': colors.indigo[9],
    '--mantine-color-error': '#a61e1e',
    '--mantine-color-placeholder': '#5c636a',
    '--canvas': '#f6f7f9',
    '--surface': '#ffffff',
    '--surface-sunken': '#f1f3f5',
    '--line': '#e3e6ea',
    '--track': '#e6e9ee',
  };
  for (const [name, shades] of Object.entries(colors)) {
    if (name === 'dark') continue;
    const text = darken(shades[9], DARKER[name] ?? 0.1);
    for (const variant of ['light-color', 'outline', 'text']) light[`--mantine-color-${name}-${variant}`] = text;
  }
  const dark: Record<string, string> = {
    '--mantine-color-body': '#171b23',
    '--mantine-color-dimmed': '#b3b9c4',
    '--mantine-color-anchor': '#a5b4ff',
    '--mantine-color-error': '#ffa8a8',
    '--mantine-color-placeholder': '#a0a6b0',
    '--canvas': '#0f1218',
    '--surface': '#171b23',
    '--surface-sunken': '#12151c',
    '--line': '#2b313d',
    '--track': '#2b313d',
  };
  // Calm tints, and a pale shade of the same hue on them: the status keeps its colour without glowing.
  for (const [name, shades] of Object.entries(colors)) {
    if (name === 'dark') continue;
    dark[`--mantine-color-${name}-light-color`] = shades[2];
    dark[`--mantine-color-${name}-light`] = `color-mix(in srgb, ${shades[7]} 24%, #171b23)`;
    dark[`--mantine-color-${name}-light-hover`] = `color-mix(in srgb, ${shades[7]} 34%, #171b23)`;
  }
  return { variables: {}, light, dark };
};
