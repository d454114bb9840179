import { createTheme, defaultVariantColorsResolver, Tooltip, type MantineColorsTuple } from '@mantine/core';

/** All colours come from tokens.css. */
const accent = Array.from({ length: 10 }, () => 'var(--accent)') as unknown as MantineColorsTuple;

export const theme = createTheme({
  primaryColor: 'teal',
  colors: { teal: accent },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    // Mantine's own have too little contrast in the dark theme.
    Tooltip: Tooltip.extend({
      vars: () => ({ tooltip: { '--tooltip-bg': 'var(--ink)', '--tooltip-color': 'var(--surface)' } }),
    }),
  },
  variantColorResolver: (input) => {
    const usual = defaultVariantColorsResolver(input);
    if (input.variant !== 'filled') return usual;
    const isDanger = input.color === 'red';
    return {
      ...usual,
      background: isDanger ? 'var(--broken)' : 'var(--accent)',
      hover: isDanger ? 'var(--broken)' : 'var(--accent-hover)',
      color: 'var(--on-accent)',
    };
  },
});
