import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { writeDisk } from '../support/disk-content.ts';
import { makeEmptyDisk } from '../support/empty-disk.ts';
import { quiet, useWorld } from '../support/world.ts';
import { exportMachine } from '../../src/vm/export/export.ts';

// virt-v2v, which takes machines of VMware to KVM, reads what Kame exports.

const hasVirtV2v = (await execa('virt-v2v', ['--version'], { reject: false })).exitCode === 0;
const world = useWorld();
const place = (name = '') => join(world().home, 'out', name);

const virtV2v = async (...words: string[]) =>
  await execa('virt-v2v', [...words, '--print-source'], { reject: false, all: true, stdin: 'ignore' });

const facts = /^(?:source name|memory|nr vCPUs|CPU topology|firmware|CD-ROM|Bridge|Network|\d+ \[)/;

/** What virt-v2v says about a machine, without what is empty. It has nothing to complain about. */
async function sourceOf(...words: string[]): Promise<string[]> {
  const { all, exitCode } = await virtV2v(...words);
  expect([exitCode, all]).toEqual([0, expect.not.stringMatching(/error|warning/)]);
  const lines = all.split('\n').map((line) => line.trim());
  return lines.filter((line) => facts.test(line));
}

/** Disks on four buses, a drive and two adapters. */
const intel = [
  'displayName = "Zoë’s <shop> & web"',
  'guestOS = "windows9-64"',
  'firmware = "bios"',
  'memsize = "1536"',
  'numvcpus = "4"',
  'cpuid.coresPerSocket = "2"',
  'scsi0.present = "TRUE"',
  'scsi0.virtualDev = "pvscsi"',
  'scsi0:1.present = "TRUE"',
  'scsi0:1.fileName = "b.qcow2"',
  'sata0.present = "TRUE"',
  'sata0:0.present = "TRUE"',
  'sata0:0.fileName = "c.qcow2"',
  'ide0:0.present = "TRUE"',
  'ide0:0.fileName = "d.qcow2"',
  'ide1:0.present = "TRUE"',
  'ide1:0.deviceType = "cdrom-raw"',
  'ide1:0.fileName = "auto detect"',
  'ethernet1.present = "TRUE"',
  'ethernet1.connectionType = "bridged"',
  'ethernet1.virtualDev = "e1000e"',
  'ethernet1.addressType = "static"',
  'ethernet1.address = "00:50:56:01:02:03"',
];

/** Writes all kinds of exports of a machine. */
async function exports(more: readonly string[]): Promise<void> {
  const demo = world().machine('demo', more);
  for (const [byte, name] of ['b', 'c', 'd'].entries()) {
    makeEmptyDisk(demo.file(`${name}.qcow2`), 8 * 1024 ** 2);
    writeDisk(demo.file(`${name}.qcow2`), byte + 1, 4);
  }
  mkdirSync(place('files'), { recursive: true });
  const name = /^displayName = "(.*)"$/mu.exec(demo.read('demo.vmx'))?.[1] ?? '';
  for (const path of ['web.ova', 'files/web.ovf', 'web.vmwarevm'])
    await exportMachine(world().host, name, { path: place(path) }, quiet);
}

describe.runIf(hasVirtV2v || process.env['CI'] !== undefined)('virt-v2v reads', () => {
  it('the exports of an Intel machine with all that it has', async () => {
    await exports(intel);
    const machine = [
      'source name: Zoë’s <shop> & web',
      'memory: 1610612736 (bytes)',
      'nr vCPUs: 4',
      'CPU topology: sockets: 2 cores/socket: 2 threads/core: 1',
      'firmware: bios',
    ];
    const [ova, files, bundle] = await Promise.all([
      sourceOf('-i', 'ova', place('web.ova')),
      sourceOf('-i', 'ova', place('files')),
      sourceOf('-i', 'vmx', place('web.vmwarevm/web.vmx')),
    ]);
    expect(ova).toEqual([
      ...machine,
      // The first of them is NVMe, which it does not know in an OVF.
      ...['0 [sata]', '1 [sata]', '2 [scsi]', '3 [ide]', 'CD-ROM [ide] in slot 0'],
      'Bridge "nat" [vmxnet3]',
      'Bridge "bridged" mac: 00:50:56:01:02:03 [e1000e]',
    ]);
    expect(files).toEqual(ova);
    expect(bundle).toEqual([
      ...machine,
      ...['0 [scsi]', '1 [nvme]', '2 [sata]', '3 [ide]', 'CD-ROM [ide] in slot 2'],
      'Network "ethernet0" [vmxnet3]',
      // It leaves out addresses that are not generated.
      'Bridge "ethernet1" [e1000e]',
    ]);
  });

  it('the firmware of one with EFI, and checks the manifest', async () => {
    await exports([]);
    expect(await sourceOf('-i', 'ova', place('web.ova'))).toContain('firmware: uefi');
    expect(await sourceOf('-i', 'vmx', place('web.vmwarevm/web.vmx'))).toContain('firmware: uefi');
    const disk = readFileSync(place('files/web-disk1.vmdk'));
    disk[disk.length - 1] = 1;
    writeFileSync(place('files/web-disk1.vmdk'), disk);
    const { all } = await virtV2v('-i', 'ova', place('files'));
    expect(all).toMatch(/checksum of disk \S+web-disk1\.vmdk does not match manifest/);
  });
});
