import type { ReactElement } from 'react';
import styles from './system-mark.module.css';
import type { System } from './systems.ts';

const circle = 'M16 4a12 12 0 1 0 0 24 12 12 0 0 0 0-24Z';
const square = 'M9 5h14a4 4 0 0 1 4 4v14a4 4 0 0 1-4 4H9a4 4 0 0 1-4-4V9a4 4 0 0 1 4-4Z';
const hexagon = 'M16 3.5 26.8 9.8v12.4L16 28.5 5.2 22.2V9.8Z';
const chip = 'M9 8h14a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1Z';

/** The outline of each mark, and the letter or sign in it, drawn with lines on a square of 32. None is anybody's logo. */
const drawings: Readonly<Record<System, readonly [outline: string, sign: string]>> = {
  linux: [square, 'M11 12l4 4-4 4M17 20.5h5'],
  debian: [circle, 'M12.5 10.5h3a5.5 5.5 0 0 1 0 11h-3Z'],
  ubuntu: [circle, 'M11.5 10.5v6.5a4.5 4.5 0 0 0 9 0v-6.5'],
  fedora: [circle, 'M20 10.5h-6.5v11M13.5 16h5'],
  windows: [square, 'M5 12h22M9 8.6h.01M12.4 8.6h.01'],
  freebsd: [hexagon, 'M12.5 10.5h4a2.7 2.7 0 0 1 0 5.4h-4M12.5 10.5v11h4.5a2.8 2.8 0 0 0 0-5.6h-4'],
  other: [chip, 'M13 13h6v6h-6ZM12 8V4M20 8V4M12 28v-4M20 28v-4M8 12H4M8 20H4M28 12h-4M28 20h-4'],
};

interface SystemMarkProps {
  readonly system: System;
  /** Pixels of a side. */
  readonly size?: number;
}

/** The mark of a guest system, beside its name. */
export function SystemMark({ system, size = 32 }: SystemMarkProps): ReactElement {
  const [outline, sign] = drawings[system];
  return (
    <svg
      className={styles.mark}
      data-system={system}
      width={size}
      height={size}
      viewBox="0 0 32 32"
      aria-hidden
    >
      <path className={styles.outline} d={outline} />
      <path className={styles.sign} d={sign} />
    </svg>
  );
}
