import { appendFile, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { fingerprints } from '../support/foreign-bundle.ts';
import { Guest } from '../support/guest.ts';
import { guestTest } from '../support/guest-test.ts';
import { qemuImg } from '../support/qemu-img.ts';

const it = guestTest();

/** Makes of a stopped guest what VMware would have: a bundle elsewhere with a split VMDK. @returns its path */
async function asForeign(demo: Guest): Promise<string> {
  const place = join(demo.home.path, 'old', 'Old web.vmwarevm');
  await mkdir(place, { recursive: true });
  const options = ['-f', 'qcow2', '-O', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse'];
  qemuImg('convert', ...options, await demo.top(), join(place, 'Old.vmdk'));
  for (const name of ['kernel', 'initrd']) await cp(demo.file(name), join(place, name));
  const text = await readFile(demo.file(`${demo.name}.vmx`), 'utf8');
  const disk = text.replace(/nvme0:0\.fileName = ".*"/, 'nvme0:0.fileName = "Old.vmdk"');
  await writeFile(join(place, 'Old.vmx'), disk.replace(/displayName = ".*"/, 'displayName = "old"'));
  return place;
}

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

describe('a machine with a split VMDK', () => {
  it('is imported in place, runs, has snapshots, and the original is as it was', async ({ home, demo }) => {
    await demo.sh('echo before >/root/state; sync');
    await demo.stop();
    const place = await asForeign(demo);
    const before = fingerprints(place);
    await home.json('import', place, '--dry-run');
    await home.json('import', place, 'web', '--in-place');

    const web = new Guest(home, 'web');
    await web.start();
    expect(await web.sh('cat /root/state')).toBe('before\n');
    expect(await readdir(web.file(''))).toContain('disk0-original.map');
    await web.take('then');
    await web.sh('echo after >/root/state; sync');
    await web.revert('then');
    expect(await web.sh('cat /root/state')).toBe('before\n');
    await web.stop();
    await web.start();
    expect(await web.sh('cat /root/state')).toBe('before\n');
    await web.stop();

    expect(fingerprints(place)).toEqual(before);
    await home.json('import', '--undo', 'web', '--yes');
    expect(await readdir(join(home.path, 'machines'))).toEqual([`${demo.name}.vmwarevm`]);
    expect(fingerprints(place)).toEqual(before);
  });
});
