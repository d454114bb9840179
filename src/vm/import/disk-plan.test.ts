import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { guestAtLogin } from '../../../test/support/fake-engine/guest.ts';
import { qemuImg } from '../../../test/support/qemu-img.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { WorldMachine } from '../../../test/support/world-machine.ts';
import { importMachine } from './import.ts';

const world = useWorld();

/** A raw disk of 2 MiB with boot code, a GPT with an EFI system partition, or both. */
function raw({ efi = false, bios = false }): string {
  world().engines.guest = guestAtLogin;
  const bytes = Buffer.alloc(2 * 1024 * 1024);
  bytes.writeUInt16LE(0xaa55, 510);
  if (bios) bytes.fill(0xeb, 0, 16);
  if (efi) {
    bytes.write('EFI PART', 512);
    bytes.writeUInt32LE(128, 512 + 84);
    bytes.write('28732ac11ff8d211ba4b00a0c93ec93b', 1024 + 128, 'hex');
  }
  mkdirSync(join(world().home, 'old'), { recursive: true });
  const path = join(world().home, 'old', 'box.raw');
  writeFileSync(path, bytes);
  return path;
}

const run = async (path: string, name: string, guestOS?: string) =>
  await importMachine(world().host, { path, name, ...(guestOS === undefined ? {} : { guestOS }) }, quiet);
const vmxOf = (name: string) => new WorldMachine(world().home, name).read(`${name}.vmx`);

describe('the import of a disk', () => {
  it.each(['raw', 'qcow2', 'qcow2 -c', 'vmdk', 'vhdx', 'vdi'])(
    'makes a machine around a copy of a %s',
    async (kind) => {
      const path = raw({ bios: true });
      const [format = '', ...compress] = kind.split(' ');
      const source = format === 'raw' ? path : join(world().home, 'old', `box.${format}`);
      if (source !== path) qemuImg('convert', ...compress, '-f', 'raw', '-O', format, path, source);
      const { machine, report } = await run(source, 'web');
      expect(machine).toMatchObject({ name: 'web', state: 'stopped', arch: 'x86_64', problems: [] });
      expect(vmxOf('web')).toContain('firmware = "bios"');
      expect(report.disks).toMatchObject([{ sizeBytes: 2 * 1024 * 1024, path: source }]);
      expect(report.notes.join(' ')).toMatch(/code for a BIOS; .* gets a BIOS.* --os gives another/);
    },
  );

  it('looks how the disk boots, and takes the guest system that was named', async () => {
    await run(raw({ efi: true }), 'arm');
    expect(vmxOf('arm')).toContain('guestOS = "arm-other6xlinux-64"');
    await run(raw({ efi: true }), 'pc', 'debian12-64');
    expect(vmxOf('pc')).toContain('firmware = "efi"');
    await run(raw({ bios: true }), 'old', 'debian12-64');
    expect(vmxOf('old')).toContain('firmware = "bios"');
    expect(await refused(run(raw({ bios: true }), 'odd', 'debain12-64'))).toMatchObject({
      message: like(/debian12-64/),
    });
  });

  it('says how to convert a format that Kame does not read', async () => {
    const vhd = join(world().home, 'old', 'box.vhd');
    qemuImg('convert', '-f', 'raw', '-O', 'vpc', raw({ bios: true }), vhd);
    expect(await refused(run(vhd, 'web'))).toMatchObject({
      code: 'BAD_IMAGE',
      next: like(/qemu-img convert/),
    });
  });
});
