import type { ReactElement } from 'react';

/** Paths on a square of 16, drawn with a line of 1.5. */
const paths = {
  play: 'M5 3.2v9.6l7.5-4.8Z',
  stop: 'M4 4h8v8H4Z',
  suspend: 'M10.8 2.8a5.6 5.6 0 1 0 2.6 7.4A4.6 4.6 0 0 1 10.8 2.8Z',
  snapshot: 'M2 5h2.6l1-1.6h4.8l1 1.6H14v8H2ZM8 11.2a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8Z',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.4 10.4 14 14',
  sun: 'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9',
  moon: 'M13 9.6A5.5 5.5 0 0 1 6.4 3 5.5 5.5 0 1 0 13 9.6Z',
  close: 'M4 4l8 8M12 4l-8 8',
  warning: 'M8 2 14.5 13.5h-13ZM8 6.4v3.2M8 11.6h.01',
  done: 'M3 8.5l3.2 3.2L13 5',
  plus: 'M8 3v10M3 8h10',
  host: 'M2 3h12v8H2ZM6 14h4',
  copy: 'M5.5 5.5h8v8h-8ZM3 10.5h-.5v-8h8V3',
  leave: 'M6.5 2.5h-4v11h4M10 5l3 3-3 3M13 8H6',
  keyboard: 'M1.5 4h13v8h-13ZM4 6.5h.01M6.7 6.5h.01M9.4 6.5h.01M12 6.5h.01M5 9.5h6',
  text: 'M5.5 3h-2v10.5h9V3h-2M5.5 2h5v2.2h-5ZM5.8 7.5h4.4M5.8 10.2h4.4',
  view: 'M1.5 3h13v8h-13ZM5.5 13.5h5M8 11v2.5',
  sound: 'M2 6v4h2.5L8 13V3L4.5 6ZM10.5 5.8a3.2 3.2 0 0 1 0 4.4M12.3 4a5.8 5.8 0 0 1 0 8',
  silent: 'M2 6v4h2.5L8 13V3L4.5 6ZM10.8 6.2l3.4 3.6M14.2 6.2l-3.4 3.6',
  gauge: 'M2.5 12a6 6 0 1 1 11 0M8 9.8l2.8-3.4',
  cards: 'M2.5 2.5h4.6v4.6H2.5ZM8.9 2.5h4.6v4.6H8.9ZM2.5 8.9h4.6v4.6H2.5ZM8.9 8.9h4.6v4.6H8.9Z',
  rows: 'M2.5 4h11M2.5 8h11M2.5 12h11',
  folder: 'M2 4h4.2l1.4 1.6H14v7H2Z',
  tasks: 'M8 10.5v-8M5 5.5l3-3 3 3M2.5 10.5v3h11v-3',
  expand: 'M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10',
} as const;

export type IconName = keyof typeof paths;
export const icons = Object.keys(paths) as readonly IconName[];

/** A picture beside a text, or in a control with a label: it says nothing by itself. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }): ReactElement {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'more' ? 2.2 : 1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
    >
      <path d={paths[name]} />
    </svg>
  );
}
