import { poll } from '../../src/core/deadline.ts';
import type { Guest } from './guest.ts';

const line = 'cat /proc/sys/kernel/random/boot_id';

/** Which boot a guest is in. */
export async function bootOf(guest: Guest): Promise<string> {
  return await guest.sh(line);
}

/** Waits until a guest is in another boot than `before`, and answers. @returns the boot it is in */
export async function rebooted(guest: Guest, before: string): Promise<string> {
  const look = async () => {
    const { code, stdout } = await guest.home.kame([
      'exec',
      '--timeout',
      '5',
      guest.name,
      '--',
      'sh',
      '-c',
      line,
    ]);
    return code === 0 && stdout !== before ? stdout : undefined;
  };
  const boot = await poll(look, { deadlineMs: 60_000, stepMs: 200 });
  if (boot === undefined) throw new Error(`${guest.name} has not booted anew.`);
  return boot;
}
