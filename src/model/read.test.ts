import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readKeys } from '../../test/support/read-keys.ts';
import { keysWith } from '../../test/support/vmx-text.ts';
import { edit, emptyDocument, parseVmx } from '../vmx/document.ts';
import { attachedFloppies } from './floppies.ts';
import { findGuestOs } from './guest-os.ts';
import { readModel } from './read.ts';
import { nilUuid } from './uuid.ts';

describe('a file that is not a machine', () => {
  it('has no versions', () => {
    const { problems } = readModel(parseVmx(new Uint8Array()));
    expect(problems.filter(({ severity }) => severity === 'error').map(({ message }) => message)).toEqual([
      'Cannot read the virtual machine configuration file: it has no config.version.',
      'Cannot read the virtual machine configuration file: it has no virtualHW.version.',
    ]);
  });

  it('is encrypted', () => {
    const doc = parseVmx(new TextEncoder().encode('displayName = "x"\nencryption.data = "AAAA"\n'));
    expect(keysWith(readModel(doc).problems)).toContain('error encryption.data');
  });
});

describe('an encrypted machine', () => {
  it.each(['encryption.data', 'encryption.keySafe'])('with only %s left is refused as such', (key) => {
    const doc = parseVmx(new TextEncoder().encode(`displayName = "x"\n${key} = "AAAA"\n`));
    const { problems } = readModel(doc);
    expect(problems.filter(({ severity }) => severity === 'error')).toMatchObject([
      { key, message: 'The virtual machine is encrypted. Decrypt it in VMware first.' },
    ]);
  });

  it.each(['encryption.data', 'encryption.keySafe'])('in part, with %s, is used, and says so', (key) => {
    const { problems } = readKeys({ [key]: 'AAAA' });
    expect(keysWith(problems)).toEqual([`warning ${key}`]);
    expect(problems[0]?.message).toContain('A part of the machine is encrypted');
  });
});

describe('odd values', () => {
  it.each<[string, string, (model: ReturnType<typeof readModel>['model']) => unknown, unknown]>([
    ['numvcpus', 'many', (model) => model.cpus, 1],
    ['numvcpus', '4.5', (model) => model.cpus, 1],
    ['memsize', '1e9', (model) => model.memoryMiB, 32],
    ['firmware', 'coreboot', (model) => model.firmware.kind, 'efi'],
    ['firmware', 'bios', (model) => model.firmware.kind, 'efi'],
    ['uuid.bios', 'x', (model) => model.uuid, nilUuid],
    ['bios.bootOrder', 'hdd,tape', (model) => model.bootOrder, ['hdd']],
    ['bios.bootOrder', 'tape', (model) => model.bootOrder, ['hdd', 'cdrom', 'ethernet']],
    ['svga.numDisplays', '0', (model) => model.display.heads, 1],
    ['sound.virtualDev', 'theremin', (model) => model.sound.model, 'hdaudio'],
    ['kame.accelerator', 'warp', (model) => model.kame.accelerator, 'auto'],
    ['kame.machineType', 'virt,usb=on', (model) => model.kame.machineType, undefined],
    ['kame.input', 'mind', (model) => model.input, 'virtio'],
    ['RemoteDisplay.vnc.port', '70000', (model) => model.vnc.port, 5900],
  ])('%s = %j is a problem, and the default is used', (key, value, pick, expected) => {
    const { model, problems } = readKeys({ [key]: value });
    expect(pick(model)).toEqual(expected);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ severity: 'warning', key, value });
    expect(problems[0]?.allowed).not.toBe('');
    expect(problems[0]?.message).toContain(key);
  });

  it.each<[string, Record<string, string>, string]>([
    ['on an absent controller', { 'nvme0:0.present': 'TRUE', 'nvme0:0.fileName': 'a' }, 'nvme0:0.present'],
    ['without a file', { 'nvme0.present': 'TRUE', 'nvme0:0.present': 'TRUE' }, 'nvme0:0.fileName'],
    [
      'on SCSI unit 7',
      { 'scsi0.present': 'TRUE', 'scsi0:7.present': 'TRUE', 'scsi0:7.fileName': 'a' },
      'scsi0:7.present',
    ],
    ['on IDE unit 5', { 'ide0:5.present': 'TRUE', 'ide0:5.fileName': 'a' }, 'ide0:5.present'],
    [
      'of the host',
      {
        'sata0.present': 'TRUE',
        'sata0:0.present': 'TRUE',
        'sata0:0.fileName': '/dev/sda',
        'sata0:0.deviceType': 'rawDisk',
      },
      'sata0:0.deviceType',
    ],
  ])('a disk %s is ignored with a warning', (_, keys, key) => {
    const { model, problems } = readKeys(keys);
    expect(model.disks).toEqual([]);
    expect(keysWith(problems)).toEqual([`warning ${key}`]);
  });

  it('devices beyond the limit are ignored', () => {
    const { model, problems } = readKeys({
      'ethernet10.present': 'TRUE',
      'serial9.present': 'TRUE',
      'sharedFolder0.present': 'TRUE',
    });
    expect([model.nics, model.serials, model.sharedFolders]).toEqual([[], [], []]);
    expect(keysWith(problems)).toEqual([
      'warning ethernet10.present',
      'warning serial9.present',
      'warning sharedFolder0.hostPath',
    ]);
  });

  it('replaces a bad address by the generated one', () => {
    const { model, problems } = readKeys({
      'ethernet1.present': 'TRUE',
      'ethernet1.generatedAddress': 'nonsense',
    });
    expect(model.nics[0]?.mac).toBe('00:0c:29:ee:1c:99');
    expect(keysWith(problems)).toEqual(['warning ethernet1.generatedAddress']);
  });

  it('an unknown guest system is guessed from the start of its id', () => {
    const { model, problems } = readKeys({ guestOS: 'arm-templeos-64' });
    expect(model).toMatchObject({ guestOS: 'arm-templeos-64', arch: 'aarch64' });
    expect(keysWith(problems)).toEqual(['warning guestOS']);
  });

  it('shows a shortened value without control characters in a message', () => {
    const { problems } = readKeys({
      firmware: `\u001B[2J${'x'.repeat(1000)}`,
      memsize: `\u0007${'9'.repeat(1000)}`,
    });
    expect(problems).toHaveLength(2);
    for (const problem of problems) {
      expect(problem.message.length).toBeLessThan(400);
      expect(problem.message + problem.value).not.toMatch(/\p{Cc}/u);
    }
  });
});

describe('old devices', () => {
  const floppy = {
    'floppy0.present': 'TRUE',
    'floppy0.fileType': 'file',
    'floppy0.fileName': 'boot.flp',
  };

  it('are kept: a floppy of a PC is attached, a parallel port is not', () => {
    const { model, problems } = readKeys({
      guestOS: 'other',
      ...floppy,
      'parallel0.present': 'TRUE',
      'parallel0.fileName': 'out.prn',
    });
    expect(model.floppies).toEqual([{ index: 0, fileName: 'boot.flp', startConnected: true }]);
    expect(attachedFloppies(model)).toEqual([{ index: 0, fileName: 'boot.flp' }]);
    expect(model.parallels).toEqual([{ index: 0, kind: 'device', fileName: 'out.prn' }]);
    expect(problems.map(({ key, message }) => [key, message])).toEqual([
      ['parallel0.present', 'parallel0 (out.prn) is kept but not attached: Kame has no parallel ports.'],
    ]);
  });

  it.each([
    ['of an ARM machine', { guestOS: 'arm-other-64' }, 'an ARM machine has no floppy drive'],
    ['that is not connected', { 'floppy0.startConnected': 'FALSE' }, 'startConnected is FALSE'],
  ])('a floppy %s is kept, and said not to be attached', (_name, keys, reason) => {
    const { model, problems } = readKeys({ guestOS: 'other', ...floppy, ...keys });
    expect(model.floppies).toHaveLength(1);
    expect(attachedFloppies(model)).toEqual([]);
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining(reason)]);
  });

  it('does not mention a floppy drive of the host, or an absent one', () => {
    const drive = { 'floppy0.present': 'TRUE', 'floppy0.fileType': 'device', 'floppy0.fileName': 'A:' };
    const { model, problems } = readKeys({ ...drive, 'floppy1.present': 'FALSE', 'floppy1.fileName': 'x' });
    expect(model.floppies).toEqual([{ index: 0, fileName: null, startConnected: true }]);
    expect(problems).toEqual([]);
  });
});

describe('Kame’s own keys', () => {
  it('name the device of the guest in addition to VMware’s', () => {
    const { model, problems } = readKeys({
      'nvme0.present': 'TRUE',
      'kame.nvme0.device': 'virtio-blk',
      'ethernet0.present': 'TRUE',
      'ethernet0.virtualDev': 'vmxnet3',
      'kame.ethernet0.device': 'virtio-net',
      'kame.boot.kernel': 'vmlinuz',
      'kame.boot.commandLine': 'quiet',
    });
    expect(problems).toEqual([]);
    expect(model.controllers).toEqual([{ bus: 'nvme', index: 0, model: 'virtio-blk' }]);
    expect(model.nics[0]?.model).toBe('virtio-net');
    expect(model.kame.directBoot).toEqual({ kernel: 'vmlinuz', commandLine: 'quiet' });
  });

  it('reject a device that the bus cannot have', () => {
    const { model, problems } = readKeys({ 'nvme0.present': 'TRUE', 'kame.nvme0.device': 'buslogic' });
    expect(model.controllers[0]?.model).toBe('nvme');
    expect(keysWith(problems)).toEqual(['warning kame.nvme0.device']);
  });
});

it('never throws, whatever the values are', () => {
  const key = fc.constantFrom(
    'config.version',
    'virtualHW.version',
    'guestOS',
    'memsize',
    'numvcpus',
    'uuid.bios',
    'firmware',
    'nvram',
    'bios.bootOrder',
    'nvme0.present',
    'nvme0:0.present',
    'nvme0:0.fileName',
    'scsi0.present',
    'scsi0.virtualDev',
    'scsi99:99.present',
    'constructor0:0.present',
    'ethernet0.present',
    'ethernet0.address',
    'ethernet0.addressType',
    'sharedFolder0.present',
    'serial0.present',
    'kame.machineType',
    '__proto__',
  );
  const value = fc.oneof(fc.constantFrom('TRUE', 'FALSE', '', '0', '-1', '8', 'static'), fc.string());
  fc.assert(
    fc.property(fc.dictionary(key, value), (keys) => {
      const { model } = readModel(edit(emptyDocument(), new Map(Object.entries(keys))));
      expect(model.arch).toBe(findGuestOs(keys['guestOS'] ?? '').os.arch);
    }),
  );
});
