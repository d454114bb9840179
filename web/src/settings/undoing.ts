import { client } from '../data/client.ts';
import { restored, type Difference } from './draft.ts';

/** Puts back the values that keys of a machine had. */
export function undoing(machine: string, differences: readonly Difference[]): () => Promise<unknown> {
  return async () => await client.machines.set(machine, { settings: restored(differences) });
}
