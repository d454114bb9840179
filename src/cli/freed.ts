import { formatSize } from '../core/units.ts';

/** How much space was freed on the host. Merging layers can use more space than before. */
export function freedText(bytes: number): string {
  return bytes < 0 ? `${formatSize(-bytes)} more in use` : `${formatSize(bytes)} freed`;
}
