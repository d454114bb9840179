import { copyFile } from 'node:fs/promises';
import { guestFiles, type DesktopGuest } from '../../bench/desktop/guest.ts';
import { poll } from '../../src/core/deadline.ts';
import type { Guest } from './guest.ts';
import type { CommandResult } from './home.ts';

type Desktop = 'labwc' | 'mutter' | 'x11';

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

  /** Installs kame-tools, and begins a session of labwc with them. */
  async install(): Promise<void> {
    await this.guest.home.json('tools', 'install', this.guest.name);
    await this.use('labwc');
    await this.helperAnswers();
  }

  /** Ends the session, and begins one of that kind. */
  async use(desktop: Desktop): Promise<void> {
    const { guest } = this;
    await guest.sh(`echo ${desktop} > /etc/desktop; rm -f /tmp/session; systemctl restart desktop`);
    const look = async () =>
      (await guest.sh('cat /tmp/session 2>&1 || true')).includes('DISPLAY') ? true : undefined;
    if (!(await poll(look, { deadlineMs: 120_000 })))
      throw new Error(`The desktop ${desktop} does not start.`);
  }
}

/** Arguments of `kame create NAME` for that guest. */
export function createArguments({ disk, arch }: DesktopGuest): string[] {
  return ['--image', disk, '--arch', arch, '--memory', '768MiB', '--cpus', '2'];
}

/** Makes a machine that was just created start the kernel of its guest, whose disk has no boot loader. */
export async function bootDirectly(
  guest: Guest,
  { kernel, initrd, commandLine }: DesktopGuest,
): Promise<void> {
  await copyFile(kernel, guest.file(guestFiles.kernel));
  await copyFile(initrd, guest.file(guestFiles.initrd));
  await guest.home.json('set', guest.name, 'boot=direct', `kame.boot.commandLine=${commandLine}`);
}
