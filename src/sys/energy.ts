import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../core/errors.ts';

/** The energy counter of one package of processors, in microjoules, and where it begins again at 0. */
export interface EnergyCounter {
  readonly microjoules: number;
  readonly wrapsAt: number;
}

/** Why nothing is known of the energy: the host does not tell it, or only to root. */
export type EnergyLack = 'not-told' | 'only-root';

/** The packages of RAPL; what is within them (cores, memory) is counted with them. */
const packageName = /^intel-rapl:\d+$/;

async function numberIn(path: string): Promise<number> {
  return Number((await readFile(path, 'utf8')).trim());
}

/**
 * Reads how much energy the processors of the host have used, by package. Linux tells it by RAPL (Intel, AMD; see
 * Documentation/power/powercap/powercap.rst), since 2020 to root only. macOS tells it by powermetrics, which needs root.
 * Never throws.
 */
export async function readEnergy(
  directory = '/sys/class/powercap',
): Promise<ReadonlyMap<string, EnergyCounter> | EnergyLack> {
  if (process.platform === 'darwin') return 'only-root';
  try {
    const names = (await readdir(directory)).filter((name) => packageName.test(name));
    const counters = new Map<string, EnergyCounter>();
    for (const name of names) {
      const microjoules = await numberIn(join(directory, name, 'energy_uj'));
      const wrapsAt = await numberIn(join(directory, name, 'max_energy_range_uj'));
      if (Number.isFinite(microjoules) && Number.isFinite(wrapsAt))
        counters.set(name, { microjoules, wrapsAt });
    }
    return counters.size > 0 ? counters : 'not-told';
  } catch (error) {
    return errnoOf(error) === 'EACCES' ? 'only-root' : 'not-told';
  }
}

/** Microjoules that were used between two readings. A package that is not in both counts as 0. */
export function energyBetween(
  before: ReadonlyMap<string, EnergyCounter>,
  after: ReadonlyMap<string, EnergyCounter>,
): number {
  return [...after].reduce((sum, [name, { microjoules, wrapsAt }]) => {
    const was = before.get(name)?.microjoules ?? microjoules;
    return sum + (microjoules >= was ? microjoules - was : microjoules + Math.max(0, wrapsAt - was));
  }, 0);
}
