import { createTheme, type MantineColorsTuple } from '@mantine/core';

/** All colours come from tokens.css. */
const accent = Array.from({ length: 10 }, () => 'var(--accent)') as unknown as MantineColorsTuple;

export const theme = createTheme({
  primaryColor: 'teal',
  colors: { teal: accent },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
});
