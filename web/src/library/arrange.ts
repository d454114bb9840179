import type { Machine } from '../../../src/api/generated/shapes.ts';
import { isWithin } from '../../../src/model/folder.ts';
import { systemName } from '../machine/system.ts';

export const orders = ['name', 'state', 'memory'] as const;
export type Order = (typeof orders)[number];

/** What needs a look comes first, then what runs. */
const ranks: Readonly<Record<Machine['state'], number>> = {
  broken: 0,
  unreachable: 1,
  running: 2,
  paused: 3,
  suspended: 4,
  stopped: 5,
};

const byName = (a: Machine, b: Machine) =>
  a.name.localeCompare(b.name, undefined, { numeric: true, sensitivity: 'base' });

const comparisons: Readonly<Record<Order, (a: Machine, b: Machine) => number>> = {
  name: byName,
  state: (a, b) => ranks[a.state] - ranks[b.state] || byName(a, b),
  memory: (a, b) => b.memoryBytes - a.memoryBytes || byName(a, b),
};

/** Whether each word of a search is in what a card says of a machine. */
function matches(machine: Machine, words: readonly string[]): boolean {
  const { name, state, ip, arch, guestOS, folder } = machine;
  const text = [name, state, ip, arch, guestOS, folder, systemName(guestOS)].join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
}

/** What is shown of the library, and how. */
export interface Arrangement {
  readonly query: string;
  readonly order: Order;
  /** Empty for all machines. */
  readonly folder: string;
}

/** The machines of a folder that a search finds, in order. */
export function arranged(machines: readonly Machine[], { query, order, folder }: Arrangement): Machine[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return machines
    .filter((machine) => isWithin(machine.folder, folder) && matches(machine, words))
    .sort(comparisons[order]);
}
