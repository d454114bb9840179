import type { routes } from '../../../src/api/generated/routes.ts';

/** How a machine is cloned. */
export type CloneKind = 'linked' | 'full' | 'instant';

/** What is asked before an action. */
export type Asked = 'off' | 'delete' | 'snapshot' | 'clone' | 'folder';

/** What can be done to a machine without going to a page of its own. */
export type Action =
  | { readonly kind: SimpleKind }
  | { readonly kind: 'snapshot'; readonly label: string }
  | { readonly kind: 'clone'; readonly name: string; readonly as: CloneKind }
  | { readonly kind: 'folder'; readonly folder: string };
export type SimpleKind =
  'start' | 'unpause' | 'stop' | 'off' | 'suspend' | 'pause' | 'restart' | 'remove' | 'delete';

/** The operation that does it. */
export function operationOf(kind: Action['kind']): keyof typeof routes {
  if (kind === 'snapshot') return 'snapshots.take';
  if (kind === 'off') return 'machines.stop';
  if (kind === 'folder') return 'machines.set';
  return kind === 'remove' ? 'machines.unregister' : `machines.${kind}`;
}
