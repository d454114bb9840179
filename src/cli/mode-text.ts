import type { GuestFile } from '../api/generated/shapes.ts';

const letters: Readonly<Record<GuestFile['type'], string>> = {
  file: '-',
  directory: 'd',
  link: 'l',
  socket: 's',
  pipe: 'p',
  block: 'b',
  character: 'c',
  other: '?',
};

/** Each class of users: how far its bits are shifted, the special bit, and the letter that shows it. */
const classes = [
  [6, 0o4000, 's'],
  [3, 0o2000, 's'],
  [0, 0o1000, 't'],
] as const;

/** The type and the permissions of a file as `ls -l` shows them, such as `drwxr-sr-x`. */
export function modeText({ type, mode }: Pick<GuestFile, 'type' | 'mode'>): string {
  const parts = classes.map(([shift, special, letter]) => {
    const bits = mode >> shift;
    const runs = (bits & 1) !== 0;
    const plain = runs ? 'x' : '-';
    const marked = runs ? letter : letter.toUpperCase();
    return `${(bits & 4) === 0 ? '-' : 'r'}${(bits & 2) === 0 ? '-' : 'w'}${(mode & special) === 0 ? plain : marked}`;
  });
  return `${letters[type]}${parts.join('')}`;
}
