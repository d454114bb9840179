import { describe, expect, it } from 'vitest';
import { defaultModel, withCdrom } from './defaults.ts';
import type { MachineModel, Nic } from './machine.ts';
import { problemsToError } from './problem.ts';
import { nilUuid } from './uuid.ts';
import { noShape } from './link-shape.ts';
import { validateModel } from './validate.ts';

const good = withCdrom(
  defaultModel({ name: 'demo', uuid: '564d7bfc-215e-2e04-0dd4-2b4676ee1c8f', guestOS: 'arm-debian12-64' }),
  'a.iso',
);
const [disk] = good.disks;
const [nic] = good.nics;
if (!disk || !nic) throw new Error('the default machine has a disk and an adapter');

const slow = noShape.receive;
const nicWith = (change: Partial<Nic>): Partial<MachineModel> => ({ nics: [{ ...nic, ...change }] });
const folder = { index: 0, guestName: 'work', hostPath: '/srv/work', enabled: true, writable: true };
const boot = { kernel: 'vmlinuz', initrd: 'initrd.img', commandLine: 'quiet' };

it('finds no problems in a valid machine', () => {
  expect(validateModel(good)).toEqual([]);
  expect(problemsToError([])).toBeUndefined();
});

describe('an invalid machine: key, value and what is allowed', () => {
  it.each<[string, string, Partial<MachineModel>]>([
    ['displayName', 'a�b', { displayName: 'a\nb' }],
    ['guestOS', '', { guestOS: '' }],
    ['guestOS', 'debian12-64', { guestOS: 'debian12-64' }],
    ['virtualHW.version', '2', { hardwareVersion: 2 }],
    ['uuid.bios', nilUuid, { uuid: nilUuid }],
    ['uuid.bios', 'x', { uuid: 'x' }],
    ['numvcpus', '0', { cpus: 0 }],
    ['numvcpus', '33', { cpus: 33 }],
    ['numvcpus', '1.5', { cpus: 1.5 }],
    ['cpuid.coresPerSocket', '3', { cpus: 4, coresPerSocket: 3 }],
    ['cpuid.coresPerSocket', '0', { coresPerSocket: 0 }],
    ['memsize', '1', { memoryMiB: 1 }],
    ['memsize', '10485760', { memoryMiB: 10 * 1024 * 1024 }],
    ['memsize', '1023', { memoryMiB: 1023 }],
    ['memsize', 'NaN', { memoryMiB: Number.NaN }],
    ['firmware', 'bios', { firmware: { kind: 'bios', secureBoot: false, nvram: 'a' } }],
    ['nvram', '../../.bashrc', { firmware: { ...good.firmware, nvram: '../../.bashrc' } }],
    ['nvram', '/etc/passwd', { firmware: { ...good.firmware, nvram: '/etc/passwd' } }],
    ['nvram', 'C:\\x', { firmware: { ...good.firmware, nvram: 'C:\\x' } }],
    ['nvram', '', { firmware: { ...good.firmware, nvram: '' } }],
    ['bios.bootOrder', '', { bootOrder: [] }],
    ['bios.bootOrder', 'hdd,hdd', { bootOrder: ['hdd', 'hdd'] }],
    [
      'kame.boot.kernel',
      '/etc/shadow',
      { kame: { accelerator: 'auto', directBoot: { ...boot, kernel: '/etc/shadow' } } },
    ],
    [
      'kame.boot.initrd',
      'a/../../b',
      { kame: { accelerator: 'auto', directBoot: { ...boot, initrd: 'a/../../b' } } },
    ],
    [
      'kame.boot.commandLine',
      'a�b',
      { kame: { accelerator: 'auto', directBoot: { ...boot, commandLine: 'a\nb' } } },
    ],
    ['kame.seed', '~/x', { kame: { accelerator: 'auto', seed: '~/x' } }],
    ['kame.machineType', 'virt,x=y', { kame: { accelerator: 'auto', machineType: 'virt,x=y' } }],
    ['nvme0:0.fileName', 'a�b', { disks: [{ ...disk, fileName: 'a\nb' }] }],
    ['nvme0:0.fileName', '', { disks: [{ ...disk, fileName: '' }] }],
    ['sata0:1.fileName', 'a�', { cdroms: good.cdroms.map((cdrom) => ({ ...cdrom, fileName: 'a\u0000' })) }],
    ['nvme0:0.present', 'TRUE', { disks: [disk, disk] }],
    ['nvme1:0.present', 'TRUE', { disks: [{ ...disk, controller: 1 }] }],
    ['nvme0:64.present', '64', { disks: [{ ...disk, unit: 64 }] }],
    [
      'scsi0:7.present',
      'TRUE',
      {
        controllers: [...good.controllers, { bus: 'scsi', index: 0, model: 'pvscsi' }],
        disks: [{ ...disk, bus: 'scsi', unit: 7 }],
      },
    ],
    ['nvme4.present', '4', { controllers: [...good.controllers, { bus: 'nvme', index: 4, model: 'nvme' }] }],
    [
      'nvme0.present',
      'TRUE',
      { controllers: [...good.controllers, { bus: 'nvme', index: 0, model: 'nvme' }] },
    ],
    [
      'kame.nvme1.device',
      'buslogic',
      { controllers: [...good.controllers, { bus: 'nvme', index: 1, model: 'buslogic' }] },
    ],
    ['ethernet0.generatedAddress', '00:0c:29:ee:1c', nicWith({ mac: '00:0c:29:ee:1c' })],
    ['ethernet0.generatedAddress', '00:0C:29:EE:1C:00', nicWith({ mac: '00:0C:29:EE:1C:00' })],
    ['ethernet0.address', '01:00:5e:00:00:01', nicWith({ mac: '01:00:5e:00:00:01', macType: 'static' })],
    ['ethernet0.address', '00:00:00:00:00:00', nicWith({ mac: '00:00:00:00:00:00', macType: 'static' })],
    ['ethernet0.vnet', '', nicWith({ connection: 'custom' })],
    ['ethernet0.vnet', 'a,b', nicWith({ connection: 'custom', vnet: 'a,b' })],
    ['ethernet0.pvnID', '\uFFFD', nicWith({ connection: 'pvn', segment: '\u0007' })],
    [
      'ethernet0.rxbw.limit',
      '0.5',
      nicWith({ shape: { ...noShape, receive: { ...slow, bitsPerSecond: 500 } } }),
    ],
    [
      'ethernet0.txfi.droprate',
      '1001',
      nicWith({ shape: { ...noShape, transmit: { ...slow, lossPerMille: 1001 } } }),
    ],
    [
      'ethernet0.txlatency.latency',
      '-1',
      nicWith({ shape: { ...noShape, transmit: { ...slow, latencyMs: -1 } } }),
    ],
    [
      'kame.ethernet1.port',
      '2',
      {
        nics: [
          { ...nic, port: 2 },
          { ...nic, index: 1, mac: '00:0c:29:00:00:09', port: 2 },
        ],
      },
    ],
    ['ethernet10.present', '10', nicWith({ index: 10 })],
    ['ethernet1.address', nic.mac, { nics: [nic, { ...nic, index: 1 }] }],
    ['serial4.present', '4', { serials: [{ index: 4, kind: 'file', fileName: 'a' }] }],
    ['serial0.fileName', 'a�', { serials: [{ index: 0, kind: 'file', fileName: 'a\n' }] }],
    ['sharedFolder0.hostPath', 'work', { sharedFolders: [{ ...folder, hostPath: 'work' }] }],
    ['sharedFolder0.guestName', 'a/b', { sharedFolders: [{ ...folder, guestName: 'a/b' }] }],
    ['sharedFolder0.guestName', '..', { sharedFolders: [{ ...folder, guestName: '..' }] }],
    ['sharedFolder1.guestName', 'work', { sharedFolders: [folder, { ...folder, index: 1 }] }],
    ['svga.numDisplays', '17', { display: { ...good.display, heads: 17 } }],
    ['svga.graphicsMemoryKB', '1', { display: { ...good.display, graphicsMemoryKiB: 1 } }],
    ['RemoteDisplay.vnc.port', '0', { vnc: { enabled: true, port: 0 } }],
    ['kame.input', 'usb', { usb: { present: false } }],
    ['kame.input', 'ps2', { input: 'ps2' }],
    ['checkpoint.vmState', '/x', { suspendedState: '/x' }],
  ])('%s = %j', (key, value, change) => {
    const problems = validateModel({ ...good, ...change });
    const found = problems.find((problem) => problem.key === key);
    expect(found).toMatchObject({ severity: 'error', key, value });
    expect(found?.allowed).not.toBe('');
    expect(found?.message).toBe(`${key} is "${value}"; it must be ${found?.allowed ?? ''}.`);
  });

  it('requires UEFI for Secure Boot', () => {
    const model = defaultModel({ name: 'a', uuid: good.uuid, guestOS: 'windows7-64' });
    const problems = validateModel({ ...model, firmware: { ...model.firmware, secureBoot: true } });
    expect(problems.map(({ key }) => key)).toEqual(['uefi.secureBoot.enabled']);
  });

  it('becomes one error with all problems', () => {
    const error = problemsToError(validateModel({ ...good, cpus: 0, memoryMiB: 1 }));
    expect(error?.code).toBe('INVALID_VALUE');
    expect(error?.message).toContain('numvcpus is "0"; it must be a whole number from 1 to 32.');
    expect(error?.message).toContain('memsize is "1"; it must be a multiple of 4 from 64 to 1048576 (MiB).');
    expect(error?.details).toEqual({ key: 'numvcpus', value: '0' });
  });
});
