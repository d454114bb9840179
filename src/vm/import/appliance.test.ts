import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { guestAtLogin } from '../../../test/support/fake-engine/guest.ts';
import { diskHas } from '../../../test/support/disk-content.ts';
import { manifestOf, ovf, tarOf, type OvaFile, type OvfOptions } from '../../../test/support/ova.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { streamParts, streamVmdk } from '../../../test/support/stream-vmdk.ts';
import { cancelAtEachStage } from '../../../test/support/sweep.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { WorldMachine } from '../../../test/support/world-machine.ts';
import type { ImportMachine } from '../../api/import.ts';
import { show } from '../running/describe.ts';
import { importMachine, reportImport } from './import.ts';

const world = useWorld();
const copyOf = (name: string) => new WorldMachine(world().home, name);
const diskOf = (name: string) => copyOf(name).file('disk0.qcow2');
const grain = 64 * 1024;
const sectors = (64 * 1024 * 1024) / 512;
/** At 1 MiB it has the number that `diskHas` looks for. */
const vmdk = streamVmdk(
  streamParts(
    sectors,
    new Map([
      [16, Buffer.alloc(grain, 7)],
      [700, Buffer.alloc(grain, 9)],
    ]),
  ),
);

/** What is in the directory of machines. */
function machinesMade(): string[] {
  const { machines } = world().host.names;
  return existsSync(machines) ? readdirSync(machines) : [];
}

const text = (name: string, content: string): OvaFile => ({ name, content: Buffer.from(content) });
const disk: OvaFile = { name: 'web-disk1.vmdk', content: vmdk };
const descriptor = (options: OvfOptions = {}) => text('web.ovf', ovf(options));
const manifest = (files: readonly OvaFile[], algorithm?: 'sha1' | 'sha256' | 'sha512'): OvaFile => ({
  name: 'web.mf',
  content: manifestOf(files, algorithm),
});

/** Writes a file beside which others may be. The small guest shows how fast others are. */
function place(name: string, content: Buffer): string {
  world().engines.guest = guestAtLogin;
  mkdirSync(join(world().home, 'old'), { recursive: true });
  const path = join(world().home, 'old', name);
  writeFileSync(path, content);
  return path;
}

async function imported(files: readonly OvaFile[], request: Partial<ImportMachine> = {}) {
  const path = place('web.ova', tarOf(files));
  return await importMachine(world().host, { path, ...request }, quiet);
}

async function refusal(files: readonly OvaFile[], request: Partial<ImportMachine> = {}) {
  const answer = await refused(imported(files, request));
  expect(machinesMade()).toEqual([]);
  return answer;
}

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
    expect(notes).toMatch(/guestinfo.ovfEnv/);
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

describe('an appliance is refused', () => {
  const swapped = (from: string, to: string): OvaFile => text('web.ovf', ovf().replace(from, to));
  const lying = manifestOf([descriptor(), { ...disk, content: Buffer.from('other') }]);

  it.each<[string, readonly OvaFile[], RegExp]>([
    [
      'whose manifest lies',
      [descriptor(), disk, { name: 'web.mf', content: lying }],
      /"web-disk1.vmdk" .* does not fit/,
    ],
    [
      'whose manifest lies before the disk',
      [descriptor(), { name: 'web.mf', content: lying }, disk],
      /does not fit/,
    ],
    [
      'whose manifest has more files',
      [descriptor(), disk, manifest([descriptor(), disk, text('x', '')])],
      /"x" .* is missing/,
    ],
    ['without its descriptor first', [disk, descriptor()], /begins with "web-disk1.vmdk"/],
    ['that is empty', [], /is empty/],
    ['without its disk', [descriptor(), text('readme', '')], /lacks the file "web-disk1.vmdk"/],
    ['with two files of one name', [descriptor(), disk, disk], /two files with the name "web-disk1.vmdk"/],
    [
      'with a file in a directory',
      [descriptor(), { ...disk, name: 'a/web-disk1.vmdk' }],
      /is in a directory/,
    ],
    [
      'that refers to a path',
      [swapped('web-disk1.vmdk', '../web-disk1.vmdk'), disk],
      /not a plain file name/,
    ],
    ['that refers to /etc/passwd', [swapped('web-disk1.vmdk', '/etc/passwd'), disk], /not a plain file name/],
    [
      'that refers to a URL',
      [swapped('web-disk1.vmdk', 'http://example.org/a.vmdk'), disk],
      /not a plain file name/,
    ],
    ['that refers to json:', [swapped('web-disk1.vmdk', 'json:{}'), disk], /not a plain file name/],
    [
      'that requires an unknown section',
      [descriptor({ system: '<OddSection><Info>x</Info></OddSection>' }), disk],
      /requires the section OddSection/,
    ],
    [
      'that requires an unknown setting',
      [descriptor({ hardware: '<vmw:Config ovf:required="true" vmw:key="odd" vmw:value="1"/>' }), disk],
      /requires the setting "odd"/,
    ],
    [
      'with several machines',
      [swapped('<VirtualSystem ', '<VirtualSystem ovf:id="b"/><VirtualSystem '), disk],
      /describes 2 machines/,
    ],
    [
      'whose disk is a delta',
      [descriptor({ disk: 'ovf:parentRef="vmdisk0"' }), disk],
      /changes to another disk/,
    ],
    [
      'whose disk is no VMDK',
      [descriptor(), { ...disk, content: Buffer.alloc(4096, 'x') }],
      /is not a sparse VMDK/,
    ],
    ['whose disk is truncated', [descriptor(), { ...disk, content: vmdk.subarray(0, 2048) }], /is truncated/],
    [
      'whose file expands too much',
      [
        descriptor({ capacity: 512, file: 'ovf:compression="gzip"' }),
        { ...disk, content: gzipSync(Buffer.concat([vmdk, Buffer.alloc(80 * 1024 * 1024)])) },
      ],
      /expands to more than/,
    ],
    [
      'whose compressed file is damaged',
      [descriptor({ file: 'ovf:compression="gzip"' }), disk],
      /cannot be decompressed/,
    ],
    [
      'of version 0.9',
      [
        swapped('http://schemas.dmtf.org/ovf/envelope/1', 'http://www.vmware.com/schema/ovf/1/envelope'),
        disk,
      ],
      /not an OVF descriptor of version/,
    ],
    [
      'that declares entities',
      [swapped('<Envelope', '<!DOCTYPE x [<!ENTITY a "b">]><Envelope'), disk],
      /declares a document type/,
    ],
  ])('%s', async (_what, files, message) => {
    expect(await refusal(files)).toMatchObject({ message: like(message) });
  });

  it('whose file beside its descriptor is a link', async () => {
    const path = place('web.ovf', descriptor().content);
    writeFileSync(join(world().home, 'secret'), vmdk);
    symlinkSync(join(world().home, 'secret'), join(world().home, 'old', disk.name));
    expect(await refused(importMachine(world().host, { path }, quiet))).toMatchObject({
      message: like(/symbolic link/),
    });
  });

  it('with a network that it does not have', async () => {
    expect(await refusal([descriptor(), disk], { networks: { LAN: 'nat' } })).toMatchObject({
      code: 'INVALID_VALUE',
      next: like(/"VM Network"/),
    });
  });
});
