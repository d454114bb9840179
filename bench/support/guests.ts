import type { TestHome } from '../../test/support/home.ts';
import { debianGuest } from '../debian/guest.ts';
import { needTiny } from './kame.ts';

/** A guest for benchmarks. */
export interface BenchGuest {
  readonly name: 'tiny' | 'debian';
  readonly title: string;
  /** Why it is not available, and how to make it; null if it is. */
  missing(): string | null;
  /** Creates a machine with this guest, without starting it. */
  create(home: TestHome, machine: string, say: (text: string) => void): Promise<void>;
  /** Shell commands that bring a guest, whose agent has responded, into the state for measurements. */
  readonly settle: readonly string[];
}

export const tiny: BenchGuest = {
  name: 'tiny',
  title: 'tiny aarch64 guest (512 MiB, 2 processors)',
  missing: () => null,
  async create(home, machine, say) {
    await needTiny('aarch64', say);
    await home.json('create', machine, '--image', 'tiny', '--arch', 'aarch64');
  },
  settle: [],
};

/** Memory in use in the full guest, in MB of 10^6 bytes: total memory minus what it reports as available. */
const inUseMb = 300;

/** Waits until systemd has finished starting, then fills memory with pages that all differ. */
const settleDebian = [
  'systemctl is-system-running --wait || true',
  `used=$(awk '/^MemTotal:/ {t = $2} /^MemAvailable:/ {a = $2} END {print int((t - a) * 1024 / 1000000)}' /proc/meminfo)
[ "$used" -ge ${inUseMb} ] || head -c "$((${inUseMb} - used))MB" /dev/urandom > /dev/shm/fill`,
];

export const debian: BenchGuest = {
  name: 'debian',
  title: `full Debian 12 aarch64 guest (1 GiB, 2 processors, ${inUseMb} MB in use)`,
  missing: () =>
    debianGuest() === null
      ? 'the Debian guest has not been built; `node --import tsx bench/debian/build.ts` does that in about ten minutes'
      : null,
  async create(home, machine) {
    const disk = debianGuest()?.disk ?? '';
    await home.json(
      'create',
      machine,
      '--image',
      disk,
      ...['--arch', 'aarch64'],
      ...['--memory', '1GiB', '--cpus', '2'],
    );
  },
  settle: settleDebian,
};

/** Boots a machine and brings its guest into the state for measurements. */
export async function startSettled(home: TestHome, guest: BenchGuest, machine: string): Promise<void> {
  await home.json('start', machine);
  for (const line of guest.settle) await home.sh(machine, line);
}
