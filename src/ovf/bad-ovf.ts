import { KameError } from '../core/errors.ts';

/** The error for a descriptor that cannot be honoured: its path followed by `reason`. */
export function badOvf(path: string, reason: string, next = 'Ask whoever made the appliance.'): KameError {
  return new KameError('BAD_IMAGE', `${path} ${reason}.`, { next, details: { path } });
}

/** A text of a descriptor in quotes for a message, shortened. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
