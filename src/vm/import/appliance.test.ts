import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { descriptor, disk, manifest, useAppliances, vmdk } from '../../../test/support/appliances.ts';
import { diskHas } from '../../../test/support/disk-content.ts';
import { manifestOf, tarOf, type OvaFile } from '../../../test/support/ova.ts';
import { qemuImg } from '../../../test/support/qemu-img.ts';
import { like } from '../../../test/support/refused.ts';
import { cancelAtEachStage } from '../../../test/support/sweep.ts';
import { quiet } from '../../../test/support/world.ts';
import { show } from '../running/describe.ts';
import { importMachine, reportImport } from './import.ts';
import { importStream } from './import-stream.ts';

const { world, machinesMade, place, imported, refusal, copyOf, diskOf } = useAppliances();

describe('the import of an appliance', () => {
  it('makes its machine, with its devices and its disk', async () => {
    const { machine, report } = await imported([descriptor(), disk]);
    expect(machine).toMatchObject({
      name: 'web',
      state: 'stopped',
      guestOS: 'debian12-64',
      cpus: 2,
      memoryBytes: 512 * 1024 * 1024,
      problems: [],
    });
    expect(copyOf('web').files()).toEqual(['disk0.qcow2', 'web.vmx']);
    expect(diskHas(diskOf('web'), 7)).toBe(true);
    const vmx = copyOf('web').read('web.vmx');
    expect(vmx).toContain('scsi0.virtualDev = "pvscsi"');
    expect(vmx).toContain('scsi0:0.fileName = "disk0.qcow2"');
    expect(vmx).toContain('ide1:0.deviceType = "cdrom-raw"');
    expect(vmx).toContain('ethernet0.virtualDev = "vmxnet3"');
    expect(vmx).toContain('firmware = "bios"');
    expect(vmx).toContain('virtualHW.version = "14"');
    expect(report.notes.join(' ')).toMatch(/"VM Network" becomes NAT/);
    await world().start('web');
    expect((await show(world().host, 'web')).state).toBe('running');
  });

  it.each(['sha1', 'sha256', 'sha512'] as const)(
    'verifies a manifest of %s, before and after the disk',
    async (algorithm) => {
      const files = [descriptor(), disk];
      const list = manifest(files, algorithm);
      await imported([descriptor(), list, disk], { name: 'before' });
      await imported([descriptor(), disk, list], { name: 'after' });
      expect(diskHas(diskOf('after'), 7)).toBe(true);
    },
  );

  it('reads compressed and chunked files, and both at once', async () => {
    const packed = gzipSync(vmdk);
    const chunks = (content: Buffer, size: number): OvaFile[] =>
      Array.from({ length: Math.ceil(content.length / size) }, (_none, index) => ({
        name: `web-disk1.vmdk.${String(index).padStart(9, '0')}`,
        content: content.subarray(index * size, (index + 1) * size),
      }));
    const gzip = 'ovf:compression="gzip"';
    const cut = (content: Buffer) => `ovf:size="${content.length}" ovf:chunkSize="1000"`;
    await imported([descriptor({ file: gzip }), { ...disk, content: packed }], { name: 'packed' });
    await imported([descriptor({ file: cut(vmdk) }), ...chunks(vmdk, 1000)], { name: 'cut' });
    await imported([descriptor({ file: `${gzip} ${cut(packed)}` }), ...chunks(packed, 1000)], {
      name: 'both',
    });
    for (const name of ['packed', 'cut', 'both'])
      expect([name, diskHas(diskOf(name), 7)]).toEqual([name, true]);
  });

  it('takes the files beside a descriptor that is no archive', async () => {
    place('web.mf', manifestOf([descriptor(), disk]));
    place(disk.name, vmdk);
    const path = place('web.ovf', descriptor().content);
    await importMachine(world().host, { path }, quiet);
    expect(diskHas(diskOf('web'), 7)).toBe(true);
    // A disk that is a file of its own may be a VMDK of any kind.
    const sparse = place('sparse.vmdk', Buffer.alloc(0));
    qemuImg('convert', '-f', 'vmdk', '-O', 'vmdk', place(disk.name, vmdk), sparse);
    place(disk.name, readFileSync(sparse));
    place('web.mf', manifestOf([descriptor(), { ...disk, content: readFileSync(sparse) }]));
    await importMachine(world().host, { path, name: 'sparse' }, quiet);
    expect(diskHas(diskOf('sparse'), 7)).toBe(true);
  });

  it('honours firmware, networks, harmless keys and properties, and tells the rest', async () => {
    const hardware = [
      '<vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>',
      '<vmw:Config ovf:required="false" vmw:key="bootOptions.efiSecureBootEnabled" vmw:value="true"/>',
      '<vmw:ExtraConfig ovf:required="false" vmw:key="svga.odd" vmw:value="kept"/>',
      '<vmw:ExtraConfig ovf:required="false" vmw:key="nvram" vmw:value="/etc/passwd"/>',
      '<vmw:ExtraConfig ovf:required="false" vmw:key="sata0.present" vmw:value="TRUE"/>',
      '<vmw:ExtraConfig ovf:required="false" vmw:key="kame.boot.kernel" vmw:value="/etc/passwd"/>',
      '<Item><rasd:ElementName>odd</rasd:ElementName><rasd:InstanceID>90</rasd:InstanceID><rasd:ResourceType>4711</rasd:ResourceType></Item>',
    ].join('\n');
    const system =
      '<ProductSection ovf:class="org.example"><Info>P</Info><Property ovf:key="host" ovf:userConfigurable="true" ovf:value="a&amp;b" ovf:type="string"/></ProductSection>';
    const { report } = await imported([descriptor({ hardware, system }), disk], {
      networks: { 'VM Network': 'hostonly' },
    });
    const vmx = copyOf('web').read('web.vmx');
    expect(vmx).toContain('firmware = "efi"');
    expect(vmx).toContain('uefi.secureBoot.enabled = "TRUE"');
    expect(vmx).toContain('svga.odd = "kept"');
    expect(vmx).toContain('ethernet0.connectionType = "hostonly"');
    expect(vmx).toContain('oe:key=|22org.example.host|22 oe:value=|22a&amp;b|22');
    expect(vmx).not.toContain('/etc/passwd');
    const notes = report.notes.join('\n');
    expect(notes).toMatch(/left out: nvram, sata0.present, kame.boot.kernel/);
    expect(notes).toMatch(/"odd" \(type 4711\) is left out/);
    expect(notes).toMatch(/does not ask for a CD with its properties/);
  });

  it('gives an ARM machine SATA in place of IDE', async () => {
    const { report } = await imported([descriptor({ osType: 'arm-debian12-64' }), disk]);
    expect(copyOf('web').read('web.vmx')).toContain('sata1:0.deviceType = "cdrom-raw"');
    expect(report.notes.join(' ')).toMatch(/no IDE/);
    await world().start('web');
    expect((await show(world().host, 'web')).state).toBe('running');
  });

  it('makes empty disks, and puts an ISO into its drive', async () => {
    const iso = Buffer.alloc(40 * 1024, 'i');
    const hardware =
      '<Item><rasd:HostResource>ovf:/file/iso</rasd:HostResource><rasd:InstanceID>8</rasd:InstanceID><rasd:Parent>4</rasd:Parent><rasd:ResourceType>15</rasd:ResourceType></Item>' +
      '<Item><rasd:HostResource>ovf:/disk/empty</rasd:HostResource><rasd:InstanceID>9</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>';
    const empty = '/><Disk ovf:diskId="empty" ovf:capacity="2" ovf:capacityAllocationUnits="byte * 2^20"';
    const { report } = await imported([
      descriptor({ hardware, disk: empty, references: '<File ovf:id="iso" ovf:href="setup.iso"/>' }),
      { name: 'setup.iso', content: iso },
      disk,
    ]);
    expect(copyOf('web').files()).toEqual(['cd1.iso', 'disk0.qcow2', 'disk1.qcow2', 'web.vmx']);
    expect(readFileSync(copyOf('web').file('cd1.iso')).equals(iso)).toBe(true);
    expect(report.disks).toMatchObject([
      { slot: 'scsi0:0', path: 'web-disk1.vmdk' },
      { slot: 'scsi0:1', sizeBytes: 2 * 1024 * 1024 },
    ]);
  });

  it('is only reported with reportImport', async () => {
    const path = place('web.ova', tarOf([descriptor()]));
    const report = await reportImport(world().host, { path }, quiet);
    expect(report).toMatchObject({ name: 'web', source: path, disks: [{ slot: 'scsi0:0' }] });
    expect(machinesMade()).toEqual([]);
  });

  it('leaves nothing behind when it is cancelled', async () => {
    const path = place('web.ova', tarOf([descriptor(), disk, manifest([descriptor(), disk])]));
    const stages = await cancelAtEachStage(
      async (progress) => await importMachine(world().host, { path }, progress),
      async ({ code }) => {
        expect(code).toBe('CANCELLED');
        expect(machinesMade()).toEqual([]);
        await Promise.resolve();
      },
    );
    expect(stages.length).toBeGreaterThan(0);
  });

  it('asks for the acceptance of a licence', async () => {
    const system = '<EulaSection><Info>L</Info><License>All your base.</License></EulaSection>';
    const files = [descriptor({ system }), disk];
    expect(await refusal(files)).toMatchObject({ code: 'WRONG_STATE', next: like(/--accept-eula/) });
    const path = place('web.ova', tarOf(files));
    expect((await reportImport(world().host, { path }, quiet)).eulas).toEqual(['All your base.']);
    const { machine } = await imported(files, { acceptEula: true });
    expect(machine.name).toBe('web');
  });
});

describe('an appliance that comes through a pipe', () => {
  async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += 5000)
      yield await Promise.resolve(bytes.subarray(at, at + 5000));
  }

  it('becomes a machine, or a report after its descriptor', async () => {
    const path = place('web.ova', tarOf([descriptor(), disk, manifest([descriptor(), disk])]));
    const send = () => pieces(readFileSync(path));
    expect(await importStream(world().host, { dryRun: true }, send(), quiet)).toMatchObject({ name: 'web' });
    expect(machinesMade()).toEqual([]);
    expect(await importStream(world().host, { name: 'piped' }, send(), quiet)).toMatchObject({
      machine: { name: 'piped' },
    });
    expect(diskHas(diskOf('piped'), 7)).toBe(true);
    expect(copyOf('piped').read('piped.vmx')).not.toContain('importedFrom');
  });
});
