import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { guestTest } from '../support/guest-test.ts';
import type { TestHome } from '../support/home.ts';

// A real machine that is driven by vmrun alone, as VMware's would be.

const it = guestTest();

/** Runs vmrun commands that must succeed; their standard output. */
function driver(home: TestHome, ...flags: string[]) {
  return async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await home.vmrun('-T', 'ws', ...flags, ...words);
    if (code !== 0) throw new Error(`vmrun ${words.join(' ')} ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  };
}

describe('vmrun', () => {
  it('drives a machine from its start to its deletion', async ({ home, demo }) => {
    const vmx = demo.file('demo.vmx');
    await home.kame(['guest', 'password', demo.name, 'root'], { input: 'secret\n' });
    const vmrun = driver(home);
    const inGuest = driver(home, '-gu', 'root', '-gp', 'secret');
    expect(await vmrun('start', vmx, 'nogui')).toBe('');
    expect(await vmrun('list')).toBe(`Total running VMs: 1\n${vmx}\n`);
    expect(await vmrun('getGuestIPAddress', vmx, '-wait')).toMatch(/^192\.168\.208\.\d+\n$/u);
    expect(await vmrun('checkToolsState', vmx)).toBe('running\n');

    const wrong = await home.vmrun('-gu', 'root', '-gp', 'wrong', 'listProcessesInGuest', vmx);
    expect([wrong.code, wrong.stdout]).toEqual([
      255,
      'Error: Invalid user name or password for the guest OS\n',
    ]);
    expect(await inGuest('listProcessesInGuest', vmx)).toMatch(
      /^Process list: \d+\npid=1, owner=root, cmd=/u,
    );
    const [here, back] = [join(home.path, 'here'), join(home.path, 'back')];
    await writeFile(here, 'hello');
    await inGuest('CopyFileFromHostToGuest', vmx, here, '/root/there');
    await inGuest('runProgramInGuest', vmx, '/bin/sh', '-c', 'cat /root/there /root/there > /root/twice');
    await inGuest('CopyFileFromGuestToHost', vmx, '/root/twice', back);
    expect(await readFile(back, 'utf8')).toBe('hellohello');
    const failed = await home.vmrun(
      '-gu',
      'root',
      '-gp',
      'secret',
      'runScriptInGuest',
      vmx,
      '/bin/sh',
      'exit 7',
    );
    expect([failed.code, failed.stdout]).toEqual([7, 'Guest program exited with non-zero exit code: 7\n']);

    // A clone of a snapshot boots from its disks, as after a power failure.
    await inGuest('runProgramInGuest', vmx, '/bin/sync');
    await vmrun('snapshot', vmx, 'then');
    await inGuest('deleteFileInGuest', vmx, '/root/there');
    await vmrun('snapshot', vmx, 'later');
    expect(await vmrun('listSnapshots', vmx, 'showTree')).toBe('Total snapshots: 2\nthen\n\tlater\n');
    await vmrun('revertToSnapshot', vmx, 'then');
    await vmrun('start', vmx, 'nogui');
    await vmrun('getGuestIPAddress', vmx, '-wait');
    expect(await inGuest('fileExistsInGuest', vmx, '/root/there')).toBe('The file exists.\n');
    await vmrun('stop', vmx, 'hard');

    const [full, linked] = [join(home.path, 'full', 'full.vmx'), join(home.path, 'linked', 'l.vmx')];
    await vmrun('clone', vmx, full, 'full');
    await vmrun('clone', vmx, linked, 'linked', '-snapshot=then', '-cloneName=second');
    await vmrun('start', linked, 'nogui');
    await vmrun('getGuestIPAddress', linked, '-wait');
    expect(await inGuest('fileExistsInGuest', linked, '/root/there')).toBe('The file exists.\n');
    await vmrun('stop', linked, 'soft');
    for (const each of [linked, full, vmx]) {
      await vmrun('deleteVM', each);
      expect(existsSync(each)).toBe(false);
    }
    expect(await vmrun('list')).toBe('Total running VMs: 0\n');
  });
});
