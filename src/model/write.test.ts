import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyModel } from '../../test/support/any-model.ts';
import { fixture } from '../../test/support/vmx-text.ts';
import { entriesOf, getText, parseVmx, printVmx } from '../vmx/document.ts';
import { defaultModel, withCdrom } from './defaults.ts';
import { guestOsCatalogue } from './guest-os.ts';
import type { MachineModel } from './machine.ts';
import { readModel } from './read.ts';
import { validateModel } from './validate.ts';
import { applyModel, createDocument, specChanges } from './write.ts';

const uuid = '564d7bfc-215e-2e04-0dd4-2b4676ee1c8f';
const demo = defaultModel({ name: 'demo', uuid, guestOS: 'arm-other6xlinux-64' });

describe('createDocument', () => {
  it('writes the machine that kame create makes from the tiny image', () => {
    const model = withCdrom(
      {
        ...demo,
        kame: {
          ...demo.kame,
          machineType: 'virt-7.2',
          directBoot: { kernel: 'vmlinuz', initrd: 'initrd.img', commandLine: 'quiet' },
          seed: 'seed.iso',
          image: 'tiny',
        },
      },
      'install.iso',
    );
    expect(new TextDecoder().decode(printVmx(createDocument(model)))).toMatchInlineSnapshot(`
      ".encoding = "UTF-8"
      config.version = "8"
      virtualHW.version = "20"
      displayName = "demo"
      guestOS = "arm-other6xlinux-64"
      firmware = "efi"
      nvram = "demo.nvram"
      uuid.bios = "56 4d 7b fc 21 5e 2e 04-0d d4 2b 46 76 ee 1c 8f"
      uuid.location = "56 4d 7b fc 21 5e 2e 04-0d d4 2b 46 76 ee 1c 8f"
      memsize = "2048"
      numvcpus = "2"
      nvme0.present = "TRUE"
      kame.nvme0.device = "virtio-blk"
      sata0.present = "TRUE"
      kame.sata0.device = "virtio-scsi"
      nvme0:0.present = "TRUE"
      nvme0:0.fileName = "disk0.qcow2"
      sata0:1.present = "TRUE"
      sata0:1.deviceType = "cdrom-image"
      sata0:1.fileName = "install.iso"
      sata0:1.startConnected = "TRUE"
      ethernet0.present = "TRUE"
      ethernet0.startConnected = "TRUE"
      ethernet0.connectionType = "nat"
      ethernet0.virtualDev = "vmxnet3"
      kame.ethernet0.device = "virtio-net"
      ethernet0.addressType = "generated"
      ethernet0.generatedAddress = "00:0c:29:ee:1c:8f"
      ethernet0.generatedAddressOffset = "0"
      svga.present = "TRUE"
      svga.graphicsMemoryKB = "262144"
      mks.enable3d = "FALSE"
      sound.present = "FALSE"
      sound.virtualDev = "hdaudio"
      usb.present = "TRUE"
      ehci.present = "TRUE"
      usb_xhci.present = "TRUE"
      tools.syncTime = "TRUE"
      kame.input = "usb"
      kame.machineType = "virt-7.2"
      kame.boot.kernel = "vmlinuz"
      kame.boot.initrd = "initrd.img"
      kame.boot.commandLine = "quiet"
      kame.seed = "seed.iso"
      kame.image = "tiny"
      virtualHW.productCompatibility = "hosted"
      pciBridge0.present = "TRUE"
      pciBridge4.present = "TRUE"
      pciBridge4.virtualDev = "pcieRootPort"
      pciBridge4.functions = "8"
      pciBridge5.present = "TRUE"
      pciBridge5.virtualDev = "pcieRootPort"
      pciBridge5.functions = "8"
      pciBridge6.present = "TRUE"
      pciBridge6.virtualDev = "pcieRootPort"
      pciBridge6.functions = "8"
      pciBridge7.present = "TRUE"
      pciBridge7.virtualDev = "pcieRootPort"
      pciBridge7.functions = "8"
      vmci0.present = "TRUE"
      floppy0.present = "FALSE"
      powerType.powerOff = "soft"
      powerType.powerOn = "soft"
      powerType.suspend = "soft"
      powerType.reset = "soft"
      "
    `);
  });

  it('writes what readModel reads, for every machine', () => {
    fc.assert(
      fc.property(anyModel, (model) => {
        expect(validateModel(model)).toEqual([]);
        const doc = parseVmx(printVmx(createDocument(model)));
        const read = readModel(doc);
        expect(read.problems.filter(({ message }) => !message.includes('is kept but not attached'))).toEqual(
          [],
        );
        expect(read.model).toEqual(model);
        expect(doc.problems).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it.each(guestOsCatalogue.map(({ id }) => id))('writes the default machine for %s', (guestOS) => {
    const model = withCdrom(withCdrom(defaultModel({ name: 'demo', uuid, guestOS }), 'a.iso'), null);
    expect(validateModel(model)).toEqual([]);
    expect(readModel(createDocument(model))).toEqual({ model, problems: [] });
  });

  it('uses only VMware’s values for VMware’s keys', () => {
    const values = new Map(entriesOf(createDocument(demo)).map(({ key, value }) => [key, value]));
    expect(values.get('ethernet0.virtualDev')).toBe('vmxnet3');
    expect([...values].filter(([key, value]) => !key.startsWith('kame.') && /virtio/.test(value))).toEqual(
      [],
    );
  });
});

describe('defaultModel', () => {
  it('prefers the given values to those of the guest system', () => {
    const model = defaultModel({
      name: 'a',
      uuid,
      guestOS: 'arm-debian12-64',
      mac: '00:50:56:00:00:01',
      cpus: 8,
      disks: [],
    });
    expect(model).toMatchObject({
      cpus: 8,
      disks: [],
      arch: 'aarch64',
      nics: [{ mac: '00:50:56:00:00:01' }],
    });
  });
});

describe('specChanges', () => {
  it('returns only what differs', () => {
    const [nic] = demo.nics;
    if (!nic) throw new Error('the default machine has an adapter');
    const after: MachineModel = {
      ...demo,
      cpus: 4,
      annotation: 'hi',
      nics: [{ ...nic, macType: 'static', mac: '02:00:00:00:00:01' }],
    };
    expect(Object.fromEntries(specChanges(demo, after))).toEqual({
      annotation: 'hi',
      'ethernet0.address': '02:00:00:00:00:01',
      'ethernet0.addressType': 'static',
      'ethernet0.checkMACAddress': 'FALSE',
      'ethernet0.generatedAddress': null,
      'ethernet0.generatedAddressOffset': null,
      numvcpus: '4',
    });
    expect(specChanges(demo, demo).size).toBe(0);
  });

  it('turns the file of any machine into the file of any other', () => {
    fc.assert(
      fc.property(anyModel, anyModel, (before, after) => {
        expect(readModel(applyModel(createDocument(before), before, after)).model).toEqual(after);
      }),
      { numRuns: 100 },
    );
  });

  it.each(['fusion13-arm.vmx', 'workstation17-windows.vmx', 'packer-ubuntu.vmx', 'esxi8.vmx'])(
    'turns %s into any machine, and keeps unknown keys',
    (name) => {
      const doc = fixture(name);
      const before = readModel(doc).model;
      fc.assert(
        fc.property(anyModel, (any) => {
          const after = name.startsWith('workstation')
            ? {
                ...any,
                displayName: 'a',
                annotation: '',
                disks: [],
                cdroms: [],
                floppies: [],
                serials: [],
                parallels: [],
                sharedFolders: [],
                firmware: { ...any.firmware, nvram: 'a' },
                kame: { accelerator: 'auto' as const },
              }
            : any;
          const edited = applyModel(doc, before, after);
          expect(readModel(edited).model).toEqual(after);
          for (const key of ['softPowerOff', 'mem.hotadd', 'uuid.action', 'guestInfo.detailed.data']) {
            expect(getText(edited, key)).toBe(getText(doc, key));
          }
        }),
        { numRuns: 30 },
      );
    },
  );

  it('removes every key of a removed device, and of no other', () => {
    const doc = fixture('fusion13-arm.vmx');
    const before = readModel(doc).model;
    const after = { ...before, nics: before.nics.slice(1), cdroms: [] };
    const edited = applyModel(doc, before, after);
    const left = entriesOf(edited).map(({ key }) => key);
    expect(left.filter((key) => /^(?:ethernet0|sata0:1)\./.test(key))).toEqual([]);
    expect(left).toEqual(
      expect.arrayContaining(['ethernet1.present', 'sata0.present', 'sata0.pciSlotNumber']),
    );
  });
});
