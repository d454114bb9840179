import { copyFile } from 'node:fs/promises';
import { desktopGuest, guestFiles, type DesktopGuest } from '../../bench/desktop/guest.ts';
import { poll } from '../../src/core/deadline.ts';
import type { Guest } from './guest.ts';
import { homeTest } from './home-test.ts';
import type { CommandResult } from './home.ts';
import { layOut, type Recipe } from './template.ts';

export type Desktop = 'labwc' | 'x11' | 'mutter';

/** A guest with a desktop, and a user who is logged in. */
export class DesktopMachine {
  readonly guest: Guest;

  constructor(guest: Guest) {
    this.guest = guest;
  }

  /** Runs a line of shell in the session. */
  async inSession(line: string, input?: Buffer | string): Promise<CommandResult> {
    const { home, name } = this.guest;
    const command = ['exec', '-i', '--user', 'user', name, '--', 'sh', '-c', `. /tmp/session; ${line}`];
    return await home.kame(command, { input: input ?? '' });
  }

  /** Waits until kame-tools answer in the session. @returns what they reach */
  async helperAnswers(): Promise<string> {
    const { home, name } = this.guest;
    const look = async () => {
      const { agents } = await home.ask(async (client) => await client.tools.show(name));
      return agents.find((agent) => agent.name === 'kame-tools-session')?.reaches ?? undefined;
    };
    const reaches = await poll(look, { deadlineMs: 60_000 });
    if (reaches === undefined) throw new Error(`In the session of ${name} no kame-tools answer.`);
    return reaches;
  }

  /** Ends the session, and begins one of that kind. */
  async use(desktop: Desktop): Promise<void> {
    const { guest } = this;
    await guest.sh(`echo ${desktop} > /etc/desktop; rm -f /tmp/session; systemctl restart desktop`);
    const look = async () =>
      (await guest.sh('cat /tmp/session 2>&1 || true')).includes('DISPLAY') ? true : undefined;
    if (!(await poll(look, { deadlineMs: 60_000 })))
      throw new Error(`The desktop ${desktop} does not start.`);
  }
}

/** A guest with labwc, and kame-tools in its session. */
function desktopRecipe({ disk, arch, kernel, initrd, commandLine }: DesktopGuest): Recipe {
  return {
    name: `desktop-${arch}`,
    create: ['--image', disk, '--arch', arch, '--memory', '768MiB', '--cpus', '2'],
    adapt: async (demo) => {
      await copyFile(kernel, demo.file(guestFiles.kernel));
      await copyFile(initrd, demo.file(guestFiles.initrd));
      await demo.home.json('set', demo.name, 'boot=direct', `kame.boot.commandLine=${commandLine}`);
    },
    prepare: async (demo) => {
      await demo.home.json('tools', 'install', demo.name);
      const desktop = new DesktopMachine(demo);
      await desktop.use('labwc');
      await desktop.helperAnswers();
    },
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
