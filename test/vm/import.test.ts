import { appendFile, cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { Guest } from '../support/guest.ts';
import { guestTest } from '../support/guest-test.ts';

const it = guestTest();

/** The tiny guest has no boot loader: it boots the kernel beside its disk, which no appliance has. */
async function bootDirectly(web: Guest, demo: Guest): Promise<void> {
  for (const name of ['kernel', 'initrd']) await cp(demo.file(name), web.file(name));
  const lines = (await readFile(demo.file(`${demo.name}.vmx`), 'utf8')).split('\n');
  const boot = lines.filter((line) => line.startsWith('kame.boot.'));
  await appendFile(web.file(`${web.name}.vmx`), `${boot.join('\n')}\n`);
}

describe('an export', () => {
  it('is imported from its OVA, and runs with the devices that it describes', async ({ home, demo }) => {
    await demo.sh('echo before >/root/state; sync');
    await demo.stop();
    const path = join(home.path, 'web.ova');
    await home.json('export', demo.name, path);
    await home.json('import', path, 'web');
    const web = new Guest(home, 'web');
    await bootDirectly(web, demo);
    await web.start();
    expect(await web.sh('cat /root/state')).toBe('before\n');
    expect(await web.sh('ls /sys/block')).toContain('nvme0n1');
    await web.stop();
  });
});
