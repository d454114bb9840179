/** A key that is pressed. */
interface Pressed {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

/** What has an undo of its own, or takes all keys. */
export const ownsKeys = 'input, textarea, select, canvas, [contenteditable]';

/** Whether a key asks to undo something of the page. */
export function isUndoKey({ key, ctrlKey, metaKey, altKey, shiftKey }: Pressed): boolean {
  return key.toLowerCase() === 'z' && (ctrlKey || metaKey) && !altKey && !shiftKey;
}
