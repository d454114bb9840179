import { poll } from '../../src/core/deadline.ts';
import type { Guest } from './guest.ts';
import { homeTest } from './home-test.ts';
import { layOut, type Recipe } from './template.ts';

/** Waits until a guest has done what its boot does in the background: its id and its address. */
export async function settled(demo: Guest): Promise<void> {
  const line = '[ -s /etc/machine-id ] && ip -4 addr show eth0 | grep -q inet && echo settled || true';
  const look = async () => ((await demo.sh(line)) === 'settled\n' ? true : undefined);
  if (!(await poll(look, { deadlineMs: 30_000 }))) throw new Error(`${demo.name} has no id or no address.`);
}

/** A small guest that has just booted. */
export const tinyGuest: Recipe = {
  name: 'tiny',
  create: ['--memory', '192MiB', '--cpus', '1'],
  prepare: settled,
};

/** Tests that begin with a guest `demo` that runs as the recipe left it, each with its own in a home of its own. */
export function guestTest(recipe: Recipe = tinyGuest) {
  return homeTest.extend<{ demo: Guest }>({
    demo: async ({ home, makeHome }, use) => {
      const demo = await layOut(recipe, home, makeHome);
      await demo.start();
      await use(demo);
    },
  });
}
