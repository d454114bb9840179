import { desktopGuest, type DesktopGuest } from '../../bench/desktop/guest.ts';
import { bootDirectly, createArguments, DesktopMachine } from './desktop-machine.ts';
import type { Guest } from './guest.ts';
import { homeTest } from './home-test.ts';
import { layOut, type Recipe } from './template.ts';

/** The architecture of the guest: Intel, which is built and emulated sooner, unless KAME_TEST_DESKTOP says aarch64. */
export const desktopArch = process.env['KAME_TEST_DESKTOP'] === 'aarch64' ? 'aarch64' : 'x86_64';

/** The guest, which must have been built. */
function builtGuest(): DesktopGuest {
  const built = desktopGuest(desktopArch);
  if (!built) throw new Error('The guest with a desktop was not built.');
  return built;
}

/** A machine with the guest, which has not been started. */
export function stoppedDesktop(): Recipe {
  const built = builtGuest();
  return {
    name: `stopped-desktop-${built.arch}`,
    create: createArguments(built),
    adapt: async (demo) => await bootDirectly(demo, built),
    prepare: null,
  };
}

/** A guest with labwc, and kame-tools in its session. */
function runningDesktop(): Recipe {
  const prepare = async (demo: Guest) => await new DesktopMachine(demo).install();
  return { ...stoppedDesktop(), name: `desktop-${desktopArch}`, prepare };
}

/** Tests that begin with that guest, which must have been built. */
export const desktopTest = homeTest.extend<{ desktop: DesktopMachine }>({
  desktop: async ({ home, makeHome }, use) => {
    const demo = await layOut(runningDesktop(), home, makeHome);
    await demo.start();
    await use(new DesktopMachine(demo));
  },
});
