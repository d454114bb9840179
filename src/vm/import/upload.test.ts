import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { descriptor, disk, manifest, useAppliances, vmdk } from '../../../test/support/appliances.ts';
import { diskHas } from '../../../test/support/disk-content.ts';
import { tarOf, type OvaFile } from '../../../test/support/ova.ts';
import { sendFiles } from '../../../test/support/send-files.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet } from '../../../test/support/world.ts';
import { importMachine, reportImport, undoImport } from './import.ts';
import { discardUpload, listUploads } from './upload.ts';

const { world, machinesMade, copyOf, diskOf, place } = useAppliances();
const send = async (files: readonly OvaFile[], most?: number) => await sendFiles(world(), files, most);

const ova = (files: readonly OvaFile[]): OvaFile => ({ name: 'web.ova', content: tarOf(files) });
const staged = (): string[] => readdirSync(world().host.names.uploads);

describe('what was uploaded', () => {
  it('is reported and imported, and then removed', async () => {
    const path = await send([ova([descriptor(), disk, manifest([descriptor(), disk])])]);
    expect(await reportImport(world().host, { path }, quiet)).toMatchObject({
      ...{ name: 'web', source: 'web.ova', networks: ['VM Network'], properties: [] },
      disks: [{ path: 'web-disk1.vmdk' }],
    });
    expect(machinesMade()).toEqual([]);
    const networks = { 'VM Network': 'hostonly' };
    const { report } = await importMachine(world().host, { path, networks }, quiet);
    expect(report.source).toBe('web.ova');
    expect(diskHas(diskOf('web'), 7)).toBe(true);
    const vmx = copyOf('web').read('web.vmx');
    expect(vmx).toContain('ethernet0.connectionType = "hostonly"');
    expect(vmx).not.toContain('importedFrom');
    expect(staged()).toEqual([]);
    expect((await refused(undoImport(world().host, 'web'))).code).toBe('WRONG_STATE');
    expect((await refused(importMachine(world().host, { path }, quiet))).code).toBe('FILE_ACCESS');
  });

  it('can be a descriptor with its files, or a disk in several', async () => {
    const files = [descriptor(), disk].map((file) => ({ ...file, name: `web/${file.name}` }));
    await importMachine(world().host, { path: await send(files) }, quiet);
    expect(diskHas(diskOf('web'), 7)).toBe(true);
    const path = await send([{ name: 'old.vmdk', content: vmdk }]);
    const { report } = await importMachine(world().host, { path }, quiet);
    expect(report.disks).toMatchObject([{ path: 'old.vmdk' }]);
    expect(diskHas(diskOf('old'), 7)).toBe(true);
    expect(staged()).toEqual([]);
  });

  it('is copied, never used in place: its files are removed', async () => {
    const demo = world().machine('demo').read('demo.vmx');
    const text = demo
      .replace(/nvme0:0\.fileName = ".*"/u, 'nvme0:0.fileName = "d.vmdk"')
      .replace(/^kame\.boot.*\n/gmu, '');
    const files = [
      { name: 'm/m.vmx', content: Buffer.from(text) },
      { name: 'm/d.vmdk', content: vmdk },
    ];
    const path = await send(files);
    const inPlace = { path, name: 'm', disks: 'inPlace' } as const;
    expect((await refused(importMachine(world().host, inPlace, quiet))).code).toBe('USAGE');
    const { report } = await importMachine(world().host, { path, name: 'm' }, quiet);
    expect(report.disks).toMatchObject([{ path: 'm/d.vmdk', inPlace: false }]);
    expect(staged()).toEqual([]);
    expect(diskHas(diskOf('m'), 7)).toBe(true);
  });

  it('stays when its import fails, for another attempt', async () => {
    const system = '<EulaSection><Info>L</Info><License>All your base.</License></EulaSection>';
    const path = await send([ova([descriptor({ system }), disk])]);
    expect((await refused(importMachine(world().host, { path }, quiet))).code).toBe('WRONG_STATE');
    expect(await listUploads(world().host)).toMatchObject([{ main: 'web.ova', path }]);
    await importMachine(world().host, { path, acceptEula: true }, quiet);
    expect(staged()).toEqual([]);
  });

  it('is not imported in part, nor twice at a time, nor from elsewhere', async () => {
    const file = ova([descriptor(), disk]);
    expect((await refused(send([file], 5000))).code).toBe('CANCELLED');
    const [{ id } = { id: '' }] = await listUploads(world().host);
    const path = `upload:${id}/web.ova`;
    expect(await refused(importMachine(world().host, { path }, quiet))).toMatchObject({
      code: 'WRONG_STATE',
      message: like(/^Only 5000 of \d+ bytes of web\.ova/),
    });
    const host = world().host;
    await host.uploads.exclusive(id, async () => {
      expect((await refused(importMachine(host, { path }, quiet))).code).toBe('BUSY');
      expect((await refused(discardUpload(host, id))).code).toBe('BUSY');
    });
    // A name in the path chooses no other file: the record says which one it is.
    const victim = join(world().home, 'victim');
    mkdirSync(victim);
    for (const other of [`upload:${id}/../../victim`, 'upload:../victim/x.ova', 'upload:x'])
      expect((await refused(importMachine(host, { path: other }, quiet))).code).not.toBe('INTERNAL');
    await discardUpload(host, id);
    expect(staged()).toEqual([]);
    expect(machinesMade()).toEqual([]);
  });

  it('cannot make its files lead out of their directory', async () => {
    const outside = place('secret.vmdk', vmdk);
    const escaping = descriptor({ file: 'ovf:size="10"' });
    const content = Buffer.from(
      escaping.content.toString('utf8').replace('web-disk1.vmdk', '../../../old/secret.vmdk'),
    );
    const path = await send([{ name: 'web.ovf', content }]);
    expect((await refused(importMachine(world().host, { path }, quiet))).code).toBe('BAD_IMAGE');
    const demo = world().machine('demo').read('demo.vmx');
    const vmx = Buffer.from(demo.replace(/nvme0:0\.fileName = ".*"/u, `nvme0:0.fileName = "${outside}"`));
    const other = await send([{ name: 'm/m.vmx', content: vmx }]);
    expect((await refused(importMachine(world().host, { path: other, name: 'm' }, quiet))).code).toBe(
      'BAD_IMAGE',
    );
    expect(readFileSync(outside).equals(vmdk)).toBe(true);
    expect(machinesMade()).toEqual(['demo.vmwarevm']);
  });
});

describe('the properties of an appliance', () => {
  const system = `<ProductSection ovf:class="org.x"><Info>P</Info>
    <Property ovf:key="host" ovf:type="string" ovf:userConfigurable="true" ovf:value="a"><Label>Host name</Label></Property>
    <Property ovf:key="pass" ovf:type="string" ovf:userConfigurable="true" ovf:password="true"/>
    <Property ovf:key="fixed" ovf:type="string" ovf:value="f"/></ProductSection>`;

  it('are reported, and get the values that a person gives', async () => {
    const path = await send([ova([descriptor({ system }), disk])]);
    const { properties } = await reportImport(world().host, { path }, quiet);
    expect(properties).toEqual([
      { key: 'org.x.host', label: 'Host name', description: '', value: 'a', password: false },
      { key: 'org.x.pass', label: '', description: '', value: '', password: true },
    ]);
    for (const key of ['org.x.fixed', 'nothing', '__proto__'])
      expect(
        await refused(importMachine(world().host, { path, properties: { [key]: 'x' } }, quiet)),
      ).toMatchObject({ code: 'INVALID_VALUE', next: like(/"org.x.host", "org.x.pass"/) });
    await importMachine(world().host, { path, properties: { 'org.x.host': 'web<1>' } }, quiet);
    const vmx = copyOf('web').read('web.vmx');
    expect(vmx).toContain('oe:key=|22org.x.host|22 oe:value=|22web&lt;1');
    expect(vmx).toContain('oe:key=|22org.x.fixed|22 oe:value=|22f|22');
  });
});
