import { describe, expect, it } from 'vitest';
import { fixture, keysWith } from '../../test/support/vmx-text.ts';
import { readModel } from './read.ts';
import { nilUuid } from './uuid.ts';

describe('files of VMware’s products', () => {
  it('Fusion 13 on ARM', () => {
    const { model, problems } = readModel(fixture('fusion13-arm.vmx'));
    expect(problems).toEqual([]);
    expect(model).toMatchInlineSnapshot(`
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
        "floppies": [],
        "guestOS": "arm-ubuntu-64",
        "hardwareVersion": 20,
        "input": "usb",
        "isolation": {
          "copyDisabled": false,
          "pasteDisabled": false,
        },
        "kame": {
          "accelerator": "auto",
        },
        "memoryMiB": 4096,
        "nics": [
          {
            "connection": "nat",
            "index": 0,
            "linkStatePropagation": true,
            "mac": "00:0c:29:ee:1c:8f",
            "macType": "generated",
            "model": "e1000e",
            "shape": {
              "receive": {
                "bitsPerSecond": null,
                "latencyMs": 0,
                "lossPerMille": 0,
              },
              "transmit": {
                "bitsPerSecond": null,
                "latencyMs": 0,
                "lossPerMille": 0,
              },
            },
            "startConnected": true,
          },
          {
            "connection": "custom",
            "index": 1,
            "linkStatePropagation": false,
            "mac": "00:50:56:21:0a:0b",
            "macType": "static",
            "model": "vmxnet3",
            "shape": {
              "receive": {
                "bitsPerSecond": null,
                "latencyMs": 0,
                "lossPerMille": 0,
              },
              "transmit": {
                "bitsPerSecond": null,
                "latencyMs": 0,
                "lossPerMille": 0,
              },
            },
            "startConnected": false,
            "vnet": "vmnet3",
          },
        ],
        "parallels": [],
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
        "syncTime": true,
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
    const { model, problems } = readModel(fixture('workstation17-windows.vmx'));
    expect(problems).toEqual([]);
    expect(model).toMatchObject({
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
    const { model, problems } = readModel(fixture('packer-ubuntu.vmx'));
    expect(keysWith(problems)).toEqual(['warning uuid.bios']);
    expect(model).toMatchObject({
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
    const { model, problems } = readModel(fixture('esxi8.vmx'));
    expect(problems).toEqual([]);
    expect(model).toMatchObject({
      memoryMiB: 2048,
      cpus: 1,
      uuid: '421c0011-2233-4455-6677-8899aabbccdd',
      disks: [{ bus: 'scsi', controller: 0, unit: 0, fileName: 'web01_1-000002.vmdk' }],
      cdroms: [{ bus: 'sata', controller: 0, unit: 0, fileName: null, startConnected: false }],
      nics: [{ connection: 'bridged', model: 'vmxnet3', mac: '00:50:56:9c:12:34', macType: 'vpx' }],
    });
  });

  it('Workstation 5, with mistakes', () => {
    const { model, problems } = readModel(fixture('workstation5-bom-mixed.vmx'), 'xp');
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
    expect(model).toMatchObject({
      memoryMiB: 512,
      firmware: { kind: 'bios', nvram: 'xp.nvram' },
      disks: [{ bus: 'ide', fileName: 'xp.vmdk', mode: 'independent-nonpersistent' }],
      cdroms: [{ bus: 'ide', controller: 1, fileName: null }],
      nics: [{ model: 'vlance', mac: '00:0c:29:55:66:77' }],
    });
  });
});
