import { describe, expect, it } from 'vitest';
import { someDisk as disk, someInput, someNic as nic, someModel } from '../../../test/support/plan-inputs.ts';
import { device, objects, planOf, valueOf } from '../../../test/support/plan-outputs.ts';
import { shellQuote } from '../../core/shell-word.ts';
import { noShape } from '../../model/link-shape.ts';
import type { MachineModel } from '../../model/machine.ts';
import { formatPlan } from './format.ts';
import { launchPlan } from './launch-plan.ts';

describe('a launch plan', () => {
  it('doubles commas where QEMU splits at them, so that a name cannot set an option', () => {
    const launch = planOf(
      { displayName: 'a,debug-threads=off' },
      { paths: { bundle: '/b', run: '/run,path=/etc', serialLog: '/log,logappend=off' } },
    );
    expect(valueOf(launch, '-name')).toBe('guest=a,,debug-threads=off,debug-threads=on');
    expect(valueOf(launch, '-vnc')).toBe('unix:/run,,path=/etc/vnc');
    expect(valueOf(launch, '-chardev')).toContain('path=/run,,path=/etc/qmp,server=on');
    expect(launch.args.join('\n')).toContain('logfile=/log,,logappend=off,logappend=on');
  });

  it('opens no port and no human monitor', () => {
    const text = planOf({ vnc: { enabled: true, port: 5901 } }).args.join(' ');
    expect(text).not.toMatch(/tcp|host=|hostfwd|readline|telnet/);
    expect(text).not.toContain('5901');
  });

  it('gives every device a unique id and address', () => {
    const launch = planOf({
      controllers: [{ bus: 'scsi', index: 0, model: 'virtio-blk' }],
      disks: [0, 1, 2].map((unit) => ({ ...disk, bus: 'scsi', unit })),
      nics: [nic, { ...nic, index: 1 }],
      input: 'virtio',
    });
    const devices = objects(launch, '-device');
    const ids = devices.map((one) => one['id']);
    expect(ids.every((id) => typeof id === 'string' && id !== '')).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    const places = devices.filter((one) => one['addr'] !== undefined).map((one) => one['addr']);
    expect(new Set(places).size).toBe(places.length);
  });

  it('keeps the addresses of other devices when one is removed', () => {
    const both = planOf({ nics: [nic, { ...nic, index: 1 }] });
    const second = planOf({ nics: [{ ...nic, index: 1 }] });
    expect(device(second, 'nic1')).toEqual(device(both, 'nic1'));
  });

  it('lists the adapters that listen for a switch, with the network and the shape of each', () => {
    const shape = { ...noShape, receive: { bitsPerSecond: 1000, lossPerMille: 1, latencyMs: 2 } };
    const second = {
      ...nic,
      index: 1,
      mac: '00:0c:29:00:00:02',
      connection: 'custom',
      vnet: 'VMnet5',
      shape,
    } as const;
    const third = { ...nic, index: 2, mac: '00:0c:29:00:00:03', connection: 'pvn' } as const;
    const launch = planOf({ nics: [nic, second, third], kame: { accelerator: 'auto', hardware: 2 } });
    const run = '/home/ada/.kame/run/0a1b2c3d';
    expect(launch.networks).toEqual([
      { index: 0, mac: nic.mac, network: { name: 'vmnet8' }, socket: `${run}/net0`, shape: noShape },
      { index: 1, mac: second.mac, network: { name: 'vmnet5' }, socket: `${run}/net1`, shape },
      { index: 2, mac: third.mac, network: null, socket: `${run}/net2`, shape: noShape },
    ]);
    expect(planOf({ nics: [nic] }).networks).toEqual([]);
  });

  it('puts an adapter that was added while the machine ran into its port, or on the only bus', () => {
    const added = { ...nic, port: 3 };
    const kame = { accelerator: 'auto', hardware: 2 } as const;
    expect(device(planOf({ nics: [added], kame }), 'nic0')).toMatchObject({ bus: 'port3', addr: '0x0' });
    const old = planOf({
      arch: 'x86_64',
      firmware: { kind: 'bios', secureBoot: false, nvram: 'n' },
      nics: [added],
      kame: { ...kame, machineType: 'pc-i440fx-7.2' },
    });
    expect(device(old, 'nic0')).toMatchObject({ bus: 'pci.0', addr: '0xa' });
    expect(device(old, 'port0')).toBeUndefined();
  });

  it('lets QEMU open only the backing files that it names', () => {
    const alone = planOf({});
    expect(objects(alone, '-blockdev').at(-1)).toMatchObject({ driver: 'qcow2', backing: null });
    const chain = new Map([
      [
        'nvme0:0',
        { path: '/b/top.qcow2', format: 'qcow2', backing: { path: '/b/base.raw', format: 'raw' } } as const,
      ],
    ]);
    const nodes = objects(planOf({}, { disks: chain }), '-blockdev').slice(-4);
    expect(nodes).toMatchObject([
      { driver: 'file', filename: '/b/base.raw', 'read-only': false, 'auto-read-only': true },
      { driver: 'raw', 'node-name': 'disk-nvme0-0-b1', 'read-only': true },
      { driver: 'file', filename: '/b/top.qcow2', 'read-only': false },
      { driver: 'qcow2', backing: 'disk-nvme0-0-b1', 'read-only': false },
    ]);
  });

  it('restores a machine with EFI without reading its flash, and attaches its variables before it runs', () => {
    const input = someInput({ clone: true });
    const launch = launchPlan({ ...input, flashBytes: () => ({ code: 67_108_864, variables: 4096 }) });
    const nodes = objects(launch, '-blockdev');
    expect(nodes.find((node) => node['node-name'] === 'pflash0')).toMatchObject({
      'read-only': true,
      file: { driver: 'null-co', size: 67_108_864, 'read-zeroes': false },
    });
    expect(nodes.find((node) => node['node-name'] === 'pflash1')).toMatchObject({
      file: { driver: 'null-co', size: 4096 },
    });
    expect(launch.afterLoad).toMatchObject([
      {
        execute: 'blockdev-reopen',
        arguments: { options: [{ 'node-name': 'pflash1', file: 'nvram-file' }] },
      },
    ]);
    expect(launch.resetEnds).toBe(false);
  });

  it('reads the flash of a restored machine if the sizes of the firmware files are unknown', () => {
    const nodes = objects(launchPlan(someInput({ clone: true })), '-blockdev');
    expect(nodes.find((node) => node['node-name'] === 'pflash0')).toMatchObject({ file: { driver: 'file' } });
  });

  it('rejects an endless chain', () => {
    interface Loop {
      path: string;
      format: 'qcow2';
      backing?: Loop;
    }
    const loop: Loop = { path: '/b/loop.qcow2', format: 'qcow2' };
    loop.backing = loop;
    expect(() => planOf({}, { disks: new Map([['nvme0:0', loop]]) })).toThrow('more than 256 layers');
  });

  it('boots in the order of the .vmx', () => {
    const launch = planOf({
      bootOrder: ['cdrom', 'hdd'],
      cdroms: [{ bus: 'sata', controller: 0, unit: 0, fileName: 'i.iso', startConnected: true }],
    });
    expect(device(launch, 'drive-sata0-0')?.['bootindex']).toBe(1);
    expect(device(launch, 'drive-nvme0-0')?.['bootindex']).toBe(101);
    expect(device(launch, 'nic0')).not.toHaveProperty('bootindex');
  });

  it('unplugs cards that are not connected at the start', () => {
    const launch = planOf({
      nics: [{ ...nic, startConnected: false }],
      cdroms: [{ bus: 'sata', controller: 0, unit: 0, fileName: 'i.iso', startConnected: false }],
    });
    expect(launch.setup).toEqual([{ execute: 'set_link', arguments: { name: 'nic0', up: false } }]);
    expect(device(launch, 'drive-sata0-0')).not.toHaveProperty('drive');
  });

  it('uses the newest machine type, or the pinned one', () => {
    expect(launchPlan(someInput({ version: '10.0' })).machineType).toBe('virt-10.0');
    const pinned = someModel({ kame: { accelerator: 'auto', machineType: 'virt-7.2' } });
    expect(launchPlan(someInput({ version: '10.0', model: pinned })).machineType).toBe('virt-7.2');
    expect(() => planOf({ kame: { accelerator: 'auto', machineType: 'virt-99.0' } })).toThrow(
      'pinned to the machine type virt-99.0',
    );
    expect(() => planOf({ kame: { accelerator: 'auto', machineType: 'raspi3b' } })).toThrow(
      'machines need virt-*',
    );
  });

  const onIde = { bus: 'ide', controller: 0, unit: 0 } as const;
  const pc = { arch: 'x86_64', firmware: { kind: 'bios', secureBoot: false, nvram: 'n' } } as const;
  const cdrom = { ...onIde, controller: 1, fileName: null, startConnected: true };

  it.each([
    ['an IDE disk', { disks: [{ ...disk, ...onIde }], guestOS: 'windows7-64' }, 'pc-i440fx-7.2'],
    ['an IDE CD drive, of an old guest', { cdroms: [cdrom], guestOS: 'winxppro' }, 'pc-i440fx-7.2'],
    ['an IDE CD drive, of a new guest', { cdroms: [cdrom], guestOS: 'debian12-64' }, 'pc-q35-7.2'],
    ['no IDE drive', { guestOS: 'winxppro' }, 'pc-q35-7.2'],
    [
      'a disk on an IDE slot with another controller',
      { disks: [{ ...disk, ...onIde }], controllers: [{ bus: 'ide', index: 0, model: 'ahci' }] },
      'pc-q35-7.2',
    ],
    [
      'an IDE disk and Secure Boot',
      { disks: [{ ...disk, ...onIde }], firmware: { kind: 'efi', secureBoot: true, nvram: 'n' } },
      'pc-q35-7.2',
    ],
    [
      'an IDE disk, pinned before',
      { disks: [{ ...disk, ...onIde }], kame: { accelerator: 'auto', machineType: 'pc-q35-7.2' } },
      'pc-q35-7.2',
    ],
    [
      'the older PC by its name without a version',
      { kame: { accelerator: 'auto', machineType: 'pc' } },
      'pc-i440fx-7.2',
    ],
  ] as const satisfies readonly (readonly [string, Partial<MachineModel>, string])[])(
    'gives an Intel machine with %s the board that has what it needs',
    (_what, changes, expected) => {
      expect(planOf({ ...pc, controllers: [], ...changes }).machineType).toBe(expected);
    },
  );

  it('tells how a machine that was pinned to q35 gets IDE', () => {
    const launch = planOf({
      ...pc,
      controllers: [],
      disks: [{ ...disk, ...onIde }],
      kame: { accelerator: 'auto', machineType: 'pc-q35-7.2' },
    });
    expect(launch.notes.join()).toContain('kame set demo kame.machineType=pc gives it IDE');
  });

  it('puts IDE drives on real channels if the machine has them', () => {
    const launch = planOf({
      arch: 'x86_64',
      firmware: { kind: 'bios', secureBoot: false, nvram: 'n' },
      controllers: [],
      disks: [{ ...disk, bus: 'ide', controller: 1, unit: 1 }],
      kame: { accelerator: 'auto', machineType: 'pc-i440fx-7.2' },
    });
    expect(device(launch, 'drive-ide1-1')).toMatchObject({ driver: 'ide-hd', bus: 'ide.1', unit: 1 });
    expect(device(launch, 'nic0')?.['bus']).toBe('pci.0');
  });

  it('lets QEMU decide on threads for an Intel guest on an ARM host', () => {
    const input = someInput({ model: someModel({ arch: 'x86_64' }) });
    const onArm = launchPlan({ ...input, host: { ...input.host, arch: 'aarch64' } });
    expect(valueOf(onArm, '-accel')).toBe('tcg,tb-size=256');
    expect(valueOf(launchPlan(input), '-accel')).toBe('tcg,thread=multi,tb-size=256');
  });

  it('keeps local time in the clock only for Windows', () => {
    expect(valueOf(planOf({ guestOS: 'arm-windows11-64' }), '-rtc')).toBe('base=localtime');
    expect(valueOf(planOf({ guestOS: 'arm-windows99-64' }), '-rtc')).toBe('base=localtime');
    for (const guestOS of ['darwin22-64', 'solaris11-64', 'beos'])
      expect(valueOf(planOf({ guestOS }), '-rtc'), guestOS).toBe('base=utc');
  });

  it('limits an ARM machine to 8 CPUs if HVF has an old interrupt controller', () => {
    const model = someModel({ cpus: 9 });
    expect(() => launchPlan(someInput({ model, accelerator: 'hvf', version: '7.2' }))).toThrow(
      'supports at most 8 with',
    );
    expect(valueOf(launchPlan(someInput({ model, accelerator: 'hvf', version: '10.0' })), '-smp')).toContain(
      'cpus=9',
    );
  });
});

describe('formatPlan', () => {
  it('quotes for a shell', () => {
    expect(shellQuote('plain-word/1.2')).toBe('plain-word/1.2');
    expect(shellQuote("it's $HOME; `rm`")).toBe(`'it'\\''s $HOME; \`rm\`'`);
    expect(shellQuote('')).toBe("''");
  });

  it('keeps a hostile name in one comment line', () => {
    const text = formatPlan(planOf({ displayName: 'x\nrm -rf ~' }));
    expect(text.split('\n')[0]).toBe('# x rm -rf ~: virt-7.2, tcg (emulated)');
    expect(text).toContain("-name 'guest=x\nrm -rf ~,debug-threads=on'");
  });
});

describe('checkpoints', () => {
  const nvme = [{ bus: 'nvme', index: 0, model: 'nvme' }] as const;

  it('are blocked by an NVMe controller that has a disk, and the plan says why and what to do', () => {
    const { blockers } = launchPlan(someInput({ model: someModel({ controllers: nvme }) }));
    expect(blockers).toEqual([
      {
        device: 'nvme0, an NVMe controller',
        reason: 'QEMU cannot save the state of its NVMe device.',
        remedy: expect.stringContaining('kame set demo kame.nvme0.device=virtio-blk') as string,
      },
    ]);
  });

  it('are possible with the disks of Linux guests, and beside an empty NVMe controller', () => {
    expect(launchPlan(someInput({})).blockers).toEqual([]);
    const empty = someModel({ controllers: nvme, disks: [] });
    expect(launchPlan(someInput({ model: empty })).blockers).toEqual([]);
  });
});
