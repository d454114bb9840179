import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { edit } from '../vmx/document.ts';
import { contentOf, BundleCache, readBundle, writeVmx } from './bundle.ts';
import { homeNames, machineNames, runNames } from './names.ts';

const temporary = useTemporaryDirectory();

const valid =
  'config.version = "8"\nvirtualHW.version = "20"\ndisplayName = "Demo"\nguestOS = "arm-debian12-64"\n';

describe('readBundle', () => {
  it('takes the name from the .vmx, otherwise from the bundle', async () => {
    const directory = { path: temporary() };
    const bundle = join(directory.path, 'box.vmwarevm');
    await mkdir(bundle);
    const vmx = join(bundle, 'inner.vmx');
    await writeFile(vmx, valid);
    expect(await readBundle(vmx)).toMatchObject({ name: 'Demo', broken: null });
    await writeFile(vmx, valid.replace('displayName = "Demo"\n', ''));
    expect(await readBundle(vmx)).toMatchObject({ name: 'box', broken: null });
  });

  it.each([
    ['missing', undefined, 'is not there'],
    ['binary', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 0]), 'zero byte'],
    ['empty', Buffer.alloc(0), 'config.version'],
    ['too large', Buffer.alloc(2 * 1024 * 1024, 0x61), 'the limit is'],
  ])('returns a broken machine with the reason if the file is %s', async (_name, bytes, reason) => {
    const directory = { path: temporary() };
    const vmx = join(directory.path, 'vm.vmx');
    if (bytes) await writeFile(vmx, bytes);
    const bundle = await readBundle(vmx);
    expect(bundle.name).toBe('vm');
    expect(bundle.broken).toContain(reason);
    expect(() => contentOf(bundle)).toThrow(expect.objectContaining({ code: 'BROKEN_MACHINE' }));
  });
});

describe('BundleCache', () => {
  it('reads a file again only if it has changed', async () => {
    const directory = { path: temporary() };
    const vmx = join(directory.path, 'vm.vmx');
    await writeFile(vmx, valid);
    const cache = new BundleCache();
    const first = await cache.read(vmx);
    expect(await cache.read(vmx)).toBe(first);
    await writeVmx(vmx, edit(contentOf(first).document, new Map([['displayName', 'Other']])));
    expect(await cache.read(vmx)).toMatchObject({ name: 'Other' });
    expect(await readFile(vmx, 'utf8')).toBe(valid.replace('Demo', 'Other'));
    await rm(vmx);
    expect((await cache.read(vmx)).broken).toContain('is not there');
  });
});

describe('BundleCache', () => {
  it('tries again to read what could not be read, though the file has not changed', async () => {
    const vmx = join(temporary(), 'vm.vmx');
    await mkdir(vmx);
    const cache = new BundleCache();
    const first = await cache.read(vmx);
    expect([first.broken, (await cache.read(vmx)) === first]).toEqual([
      `${vmx} is not a regular file, so Kame does not use it.`,
      false,
    ]);
  });
});

describe('names', () => {
  it('give each machine a run directory whose sockets fit into 104 bytes', () => {
    const home = homeNames('/Users/somebody-with-a-long-name/.kame');
    const one = runNames(home, '/a/one.vmwarevm/one.vmx');
    expect(runNames(home, '/a/two.vmwarevm/two.vmx').directory).not.toBe(one.directory);
    expect(Buffer.byteLength(join(one.directory, 'serial'))).toBeLessThan(104);
  });

  it('give machines in the same directory different locks', () => {
    expect(machineNames('/vms/a.vmx').lock).not.toBe(machineNames('/vms/b.vmx').lock);
    expect(machineNames('/vms/a.vmwarevm/a.vmx').lock).toBe('/vms/a.vmwarevm/lock');
  });
});
