import type { TestHome } from '../../test/support/home.ts';
import { debianGuest } from '../debian/guest.ts';
import { needTiny } from './kame.ts';

/** A guest that benchmarks run with. */
export interface BenchGuest {
  readonly name: 'tiny' | 'debian';
  readonly title: string;
  /** Why it is not there, and what makes it; null when it is. */
  missing(): string | null;
  /** Makes a machine of that name with it; it was never started then. */
  create(home: TestHome, machine: string, say: (text: string) => void): Promise<void>;
  /** Shell lines that bring a guest, whose agent has answered, into the state in which it is measured. */
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

/** What the full guest has in use: MB of 10^6, total memory less what it calls available. */
const inUseMb = 300;

/** Waits until systemd has nothing more to start; then takes memory for bytes that no page is like another of. */
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
      ? 'the Debian guest was not built; `node --import tsx bench/debian/build.ts` does it, in about ten minutes'
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

/** Boots a machine and brings its guest into the state in which it is measured. */
export async function startSettled(home: TestHome, guest: BenchGuest, machine: string): Promise<void> {
  await home.json('start', machine);
  for (const line of guest.settle) await home.sh(machine, line);
}
