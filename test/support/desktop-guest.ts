import { desktopGuest, type DesktopGuest } from '../../bench/desktop/guest.ts';
import { bootDirectly, createArguments, DesktopMachine } from './desktop-machine.ts';
import { homeTest } from './home-test.ts';
import { layOut, type Recipe } from './template.ts';

/** A guest with labwc, and kame-tools in its session. */
function desktopRecipe(built: DesktopGuest): Recipe {
  return {
    name: `desktop-${built.arch}`,
    create: createArguments(built),
    adapt: async (demo) => await bootDirectly(demo, built),
    prepare: async (demo) => await new DesktopMachine(demo).install(),
  };
}

/** The architecture of the guest: Intel, which is built and emulated sooner, unless KAME_TEST_DESKTOP says aarch64. */
export const desktopArch = process.env['KAME_TEST_DESKTOP'] === 'aarch64' ? 'aarch64' : 'x86_64';

/** Tests that begin with that guest, which must have been built. */
export const desktopTest = homeTest.extend<{ desktop: DesktopMachine }>({
  desktop: async ({ home, makeHome }, use) => {
    const built = desktopGuest(desktopArch);
    if (!built) throw new Error('The guest with a desktop was not built.');
    const demo = await layOut(desktopRecipe(built), home, makeHome);
    await demo.start();
    await use(new DesktopMachine(demo));
  },
});
