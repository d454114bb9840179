import { formatSize } from '../core/units.ts';

/** How much room was made on the host. Merging layers can take some. */
export function freedText(bytes: number): string {
  return bytes < 0 ? `${formatSize(-bytes)} more are used` : `${formatSize(bytes)} are freed`;
}
