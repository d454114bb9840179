import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyDocument, edit, parseVmx, type VmxDocument } from '../vmx/document.ts';
import { readSpec, type SpecProblem } from './read.ts';
import { nilUuid } from './uuid.ts';

const fixture = (name: string): VmxDocument =>
  parseVmx(new Uint8Array(readFileSync(join(import.meta.dirname, '../vmx/fixtures', name))));

const base = {
  'config.version': '8',
  'virtualHW.version': '20',
  guestOS: 'arm-debian12-64',
  'uuid.bios': '56 4d 7b fc 21 5e 2e 04-0d d4 2b 46 76 ee 1c 8f',
};
const documentOf = (keys: Record<string, string>): VmxDocument =>
  edit(emptyDocument(), new Map(Object.entries({ ...base, ...keys })));
const read = (keys: Record<string, string>): ReturnType<typeof readSpec> => readSpec(documentOf(keys));
const keysWith = (problems: readonly SpecProblem[]): string[] =>
  problems.map(({ severity, key }) => `${severity} ${key}`);

describe('files of VMware’s products', () => {
  it('Fusion 13 on ARM', () => {
    const { spec, problems } = readSpec(fixture('fusion13-arm.vmx'));
    expect(problems).toEqual([]);
    expect(spec).toMatchInlineSnapshot(`
      {
        "annotation": "For work
      Says "hello" | bye",
        "arch": "aarch64",
        "bootOrder": [
          "hdd",
          "cdrom",
          "ethernet",
        ],
        "cdroms": [
          {
            "bus": "sata",
            "controller": 0,
            "fileName": "/Users/mia/Downloads/ubuntu-24.04-live-server-arm64.iso",
            "startConnected": false,
            "unit": 1,
          },
        ],
        "controllers": [
          {
            "bus": "nvme",
            "index": 0,
            "model": "nvme",
          },
          {
            "bus": "sata",
            "index": 0,
            "model": "ahci",
          },
        ],
        "coresPerSocket": 2,
        "cpus": 4,
        "disks": [
          {
            "bus": "nvme",
            "controller": 0,
            "fileName": "Virtual Disk.vmdk",
            "mode": "persistent",
            "unit": 0,
          },
        ],
        "display": {
          "accelerate3d": true,
          "graphicsMemoryKiB": 524288,
          "heads": 1,
          "present": true,
        },
        "displayName": "Ubuntu 24.04 – Büro",
        "firmware": {
          "kind": "efi",
          "nvram": "Ubuntu 24.04 – Büro.nvram",
          "secureBoot": false,
        },
        "guestOS": "arm-ubuntu-64",
        "hardwareVersion": 20,
        "input": "usb",
        "kame": {
          "accelerator": "auto",
        },
        "memoryMiB": 4096,
        "nics": [
          {
            "connection": "nat",
            "index": 0,
            "mac": "00:0c:29:ee:1c:8f",
            "macType": "generated",
            "model": "e1000e",
            "startConnected": true,
          },
          {
            "connection": "custom",
            "index": 1,
            "mac": "00:50:56:21:0a:0b",
            "macType": "static",
            "model": "vmxnet3",
            "startConnected": false,
            "vnet": "vmnet3",
          },
        ],
        "serials": [],
        "sharedFolders": [
          {
            "enabled": true,
            "guestName": "Projekte",
            "hostPath": "/Users/mia/Projekte",
            "index": 0,
            "writable": true,
          },
        ],
        "sound": {
          "model": "hdaudio",
          "present": true,
        },
        "suspendedState": "",
        "tpm": false,
        "usb": {
          "present": true,
        },
        "uuid": "564d7bfc-215e-2e04-0dd4-2b4676ee1c8f",
        "vnc": {
          "enabled": false,
          "port": 5900,
        },
      }
    `);
  });

  it('Workstation 17 with Windows', () => {
    const { spec, problems } = readSpec(fixture('workstation17-windows.vmx'));
    expect(problems).toEqual([]);
    expect(spec).toMatchObject({
      displayName: 'Büro-PC – Windows 10',
      annotation: 'Läuft für José, 10 €',
      arch: 'x86_64',
      firmware: { kind: 'efi', secureBoot: true, nvram: 'Windows 10.nvram' },
      controllers: [
        { bus: 'sata', index: 0, model: 'ahci' },
        { bus: 'scsi', index: 0, model: 'lsisas1068' },
      ],
      disks: [
        { bus: 'scsi', controller: 0, unit: 0, fileName: 'Windows 10.vmdk', mode: 'persistent' },
        {
          bus: 'scsi',
          controller: 0,
          unit: 1,
          fileName: 'D:\\VMs\\Daten.vmdk',
          mode: 'independent-persistent',
        },
      ],
      cdroms: [{ bus: 'sata', controller: 0, unit: 1, fileName: null, startConnected: true }],
      nics: [
        { index: 0, connection: 'bridged', model: 'e1000e', mac: '00:0c:29:6b:01:f2', macType: 'generated' },
      ],
      display: { present: true, heads: 1, graphicsMemoryKiB: 8_388_608, accelerate3d: false },
      vnc: { enabled: true, port: 5905 },
      input: 'usb',
    });
  });

  it('Packer, all keys in lower case', () => {
    const { spec, problems } = readSpec(fixture('packer-ubuntu.vmx'));
    expect(keysWith(problems)).toEqual(['warning uuid.bios']);
    expect(spec).toMatchObject({
      displayName: 'ubuntu-build',
      uuid: nilUuid,
      bootOrder: ['hdd', 'cdrom'],
      firmware: { kind: 'bios', nvram: 'ubuntu-build.nvram' },
      controllers: [
        { bus: 'scsi', index: 0, model: 'lsilogic' },
        { bus: 'ide', index: 1, model: 'ide' },
      ],
      cdroms: [{ bus: 'ide', controller: 1, unit: 0, fileName: '/home/ci/packer_cache/ubuntu.iso' }],
      nics: [{ connection: 'nat', model: 'e1000', macType: 'generated' }],
      usb: { present: false },
      input: 'ps2',
    });
  });

  it('ESXi 8', () => {
    const { spec, problems } = readSpec(fixture('esxi8.vmx'));
    expect(problems).toEqual([]);
    expect(spec).toMatchObject({
      memoryMiB: 2048,
      cpus: 1,
      uuid: '421c0011-2233-4455-6677-8899aabbccdd',
      disks: [{ bus: 'scsi', controller: 0, unit: 0, fileName: 'web01_1-000002.vmdk' }],
      cdroms: [{ bus: 'sata', controller: 0, unit: 0, fileName: null, startConnected: false }],
      nics: [{ connection: 'bridged', model: 'vmxnet3', mac: '00:50:56:9c:12:34', macType: 'vpx' }],
    });
  });

  it('Workstation 5, with mistakes', () => {
    const { spec, problems } = readSpec(fixture('workstation5-bom-mixed.vmx'), 'xp');
    expect(keysWith(problems)).toEqual([
      'warning ',
      'warning memSize',
      'warning ethernet0.virtualDev',
      'warning sound.present',
    ]);
    expect(problems.at(-1)).toEqual({
      severity: 'warning',
      key: 'sound.present',
      value: 'maybe',
      allowed: 'TRUE or FALSE',
      message:
        'Value "maybe" for variable "sound.present" is not a valid boolean value. Using value "FALSE".',
      line: 18,
    });
    expect(spec).toMatchObject({
      memoryMiB: 512,
      firmware: { kind: 'bios', nvram: 'xp.nvram' },
      disks: [{ bus: 'ide', fileName: 'xp.vmdk', mode: 'independent-nonpersistent' }],
      cdroms: [{ bus: 'ide', controller: 1, fileName: null }],
      nics: [{ model: 'vlance', mac: '00:0c:29:55:66:77' }],
    });
  });
});

describe('a file that is no machine', () => {
  it('has no versions', () => {
    const { problems } = readSpec(parseVmx(new Uint8Array()));
    expect(problems.filter(({ severity }) => severity === 'error').map(({ message }) => message)).toEqual([
      'Cannot read the virtual machine configuration file: it has no config.version.',
      'Cannot read the virtual machine configuration file: it has no virtualHW.version.',
    ]);
  });

  it('is encrypted', () => {
    const doc = parseVmx(new TextEncoder().encode('displayName = "x"\nencryption.data = "AAAA"\n'));
    expect(keysWith(readSpec(doc).problems)).toContain('error encryption.data');
  });
});

describe('odd values', () => {
  it.each<[string, string, (spec: ReturnType<typeof readSpec>['spec']) => unknown, unknown]>([
    ['numvcpus', 'many', (spec) => spec.cpus, 1],
    ['numvcpus', '4.5', (spec) => spec.cpus, 1],
    ['memsize', '1e9', (spec) => spec.memoryMiB, 32],
    ['firmware', 'coreboot', (spec) => spec.firmware.kind, 'efi'],
    ['firmware', 'bios', (spec) => spec.firmware.kind, 'efi'],
    ['uuid.bios', 'x', (spec) => spec.uuid, nilUuid],
    ['bios.bootOrder', 'hdd,tape', (spec) => spec.bootOrder, ['hdd']],
    ['bios.bootOrder', 'tape', (spec) => spec.bootOrder, ['hdd', 'cdrom', 'ethernet']],
    ['svga.numDisplays', '0', (spec) => spec.display.heads, 1],
    ['sound.virtualDev', 'theremin', (spec) => spec.sound.model, 'hdaudio'],
    ['kame.accelerator', 'warp', (spec) => spec.kame.accelerator, 'auto'],
    ['kame.machineType', 'virt,usb=on', (spec) => spec.kame.machineType, undefined],
    ['kame.input', 'mind', (spec) => spec.input, 'virtio'],
    ['RemoteDisplay.vnc.port', '70000', (spec) => spec.vnc.port, 5900],
  ])('%s = %j is a problem, and the default is used', (key, value, pick, expected) => {
    const { spec, problems } = read({ [key]: value });
    expect(pick(spec)).toEqual(expected);
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
  ])('a disk %s is left out with a warning', (_, keys, key) => {
    const { spec, problems } = read(keys);
    expect(spec.disks).toEqual([]);
    expect(keysWith(problems)).toEqual([`warning ${key}`]);
  });

  it('devices beyond what there may be are left out', () => {
    const { spec, problems } = read({
      'ethernet10.present': 'TRUE',
      'serial9.present': 'TRUE',
      'sharedFolder0.present': 'TRUE',
    });
    expect([spec.nics, spec.serials, spec.sharedFolders]).toEqual([[], [], []]);
    expect(keysWith(problems)).toEqual([
      'warning ethernet10.present',
      'warning serial9.present',
      'warning sharedFolder0.hostPath',
    ]);
  });

  it('a bad address gives the generated one', () => {
    const { spec, problems } = read({
      'ethernet1.present': 'TRUE',
      'ethernet1.generatedAddress': 'nonsense',
    });
    expect(spec.nics[0]?.mac).toBe('00:0c:29:ee:1c:99');
    expect(keysWith(problems)).toEqual(['warning ethernet1.generatedAddress']);
  });

  it('an unknown guest system goes by its beginning', () => {
    const { spec, problems } = read({ guestOS: 'arm-templeos-64' });
    expect(spec).toMatchObject({ guestOS: 'arm-templeos-64', arch: 'aarch64' });
    expect(keysWith(problems)).toEqual(['warning guestOS']);
  });

  it('what is shown of a value has an end and no control characters', () => {
    const { problems } = read({
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

describe('Kame’s own keys', () => {
  it('name the device the guest gets beside VMware’s', () => {
    const { spec, problems } = read({
      'nvme0.present': 'TRUE',
      'kame.nvme0.device': 'virtio-blk',
      'ethernet0.present': 'TRUE',
      'ethernet0.virtualDev': 'vmxnet3',
      'kame.ethernet0.device': 'virtio-net',
      'kame.boot.kernel': 'vmlinuz',
      'kame.boot.commandLine': 'quiet',
    });
    expect(problems).toEqual([]);
    expect(spec.controllers).toEqual([{ bus: 'nvme', index: 0, model: 'virtio-blk' }]);
    expect(spec.nics[0]?.model).toBe('virtio-net');
    expect(spec.kame.directBoot).toEqual({ kernel: 'vmlinuz', commandLine: 'quiet' });
  });

  it('take no device that the bus can’t have', () => {
    const { spec, problems } = read({ 'nvme0.present': 'TRUE', 'kame.nvme0.device': 'buslogic' });
    expect(spec.controllers[0]?.model).toBe('nvme');
    expect(keysWith(problems)).toEqual(['warning kame.nvme0.device']);
  });
});

it('never throws, whatever the keys hold', () => {
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
      const { spec } = readSpec(edit(emptyDocument(), new Map(Object.entries(keys))));
      expect(['aarch64', 'x86_64']).toContain(spec.arch);
    }),
  );
});
