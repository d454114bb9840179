import { expect, it } from 'vitest';
import { isUndoKey } from './undo-key.ts';

const pressed = {
  key: 'z',
  ctrlKey: true,
  metaKey: false,
  altKey: false,
  shiftKey: false,
};

it.each([
  [{}, true],
  [{ ctrlKey: false, metaKey: true, key: 'Z' }, true],
  [{ shiftKey: true }, false],
  [{ ctrlKey: false }, false],
  [{ key: 'y' }, false],
])('takes %j for the key to undo: %s', (more, expected) =>
  expect(isUndoKey({ ...pressed, ...more })).toBe(expected),
);
