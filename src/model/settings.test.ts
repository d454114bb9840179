import { describe, expect, it } from 'vitest';
import { fixtureBytes } from '../../test/support/vmx-text.ts';
import { edit, getText, parseVmx, printVmx, type VmxDocument } from '../vmx/document.ts';
import { defaultModel, withCdrom } from './defaults.ts';
import { suggestKey } from './known-keys.ts';
import { readModel } from './read.ts';
import { protectedKeys } from './protected-keys.ts';
import { settingList } from './setting-list.ts';
import { applySettings, type SettingChange } from './settings.ts';
import { createDocument } from './write.ts';

const demo = createDocument(
  defaultModel({ name: 'demo', uuid: '564d7bfc-215e-2e04-0dd4-2b4676ee1c8f', guestOS: 'arm-debian12-64' }),
);

function changesOf(words: readonly string[]): SettingChange[] {
  return words.map((word) => {
    const at = word.indexOf('=');
    return { key: word.slice(0, at), value: word.slice(at + 1) };
  });
}

/** The document after settings that must be accepted without a warning. */
function set(doc: VmxDocument, ...words: string[]): VmxDocument {
  const result = applySettings(doc, changesOf(words));
  expect(result.problems).toEqual([]);
  return result.doc;
}

/** The messages of settings that must be rejected, leaving the document unchanged. */
function refusal(doc: VmxDocument, ...words: string[]): string {
  const result = applySettings(doc, changesOf(words));
  expect(result.doc).toBe(doc);
  expect(result.problems.some(({ severity }) => severity === 'error')).toBe(true);
  return result.problems.map(({ message }) => message).join(' ');
}

describe('settings', () => {
  it.each<[string, Record<string, string | undefined>]>([
    ['cpus=4', { numvcpus: '4' }],
    ['CPUS= 4', { numvcpus: '4' }],
    ['memory=4GiB', { memsize: '4096' }],
    ['notes=one\ntwo "x"', { annotation: 'one\ntwo "x"' }],
    ['guest-os=arm-ubuntu-64', { guestOS: 'arm-ubuntu-64' }],
    ['accelerator=TCG', { 'kame.accelerator': 'tcg' }],
    ['machine-type=virt-7.2', { 'kame.machineType': 'virt-7.2' }],
    ['secure-boot=on', { 'uefi.secureBoot.enabled': 'TRUE' }],
    ['tpm=yes', { 'vtpm.present': 'TRUE' }],
    ['boot-order=cdrom,hdd', { 'bios.bootOrder': 'cdrom,hdd' }],
    ['display=off', { 'svga.present': 'FALSE' }],
    ['displays=2', { 'svga.numDisplays': '2' }],
    ['graphics-memory=512MiB', { 'svga.graphicsMemoryKB': '524288' }],
    ['3d=true', { 'mks.enable3d': 'TRUE' }],
    ['sound=0', { 'sound.present': 'FALSE' }],
    ['input=virtio', { 'kame.input': 'virtio' }],
    ['network=HostOnly', { 'ethernet0.connectionType': 'hostonly' }],
    ['network=host-only', { 'ethernet0.connectionType': 'hostonly' }],
    ['network=lab', { 'ethernet0.connectionType': 'custom', 'ethernet0.vnet': 'lab' }],
    [
      'network=segment:52 01-ff',
      { 'ethernet0.connectionType': 'pvn', 'ethernet0.pvnID': '52 01-ff', 'ethernet0.vnet': undefined },
    ],
    ['network=VMnet5', { 'ethernet0.connectionType': 'custom', 'ethernet0.vnet': 'VMnet5' }],
    [
      'mac=00-50-56-00-00-0A',
      { 'ethernet0.address': '00:50:56:00:00:0a', 'ethernet0.checkMACAddress': undefined },
    ],
    ['mac=02:00:00:00:00:01', { 'ethernet0.addressType': 'static', 'ethernet0.checkMACAddress': 'FALSE' }],
    ['vnc=on', { 'RemoteDisplay.vnc.enabled': 'TRUE' }],
    ['vnc-port=5901', { 'RemoteDisplay.vnc.port': '5901' }],
    ['kernel-options=quiet', { 'kame.boot.commandLine': 'quiet' }],
    ['guestinfo.x=a=b', { 'guestinfo.x': 'a=b' }],
    ['memsize=1024', { memsize: '1024' }],
    ['annotation=x', { annotation: 'x' }],
    ['Ethernet0.ConnectionType=bridged', { 'ethernet0.connectionType': 'bridged' }],
    ['__proto__.x=1', { '__proto__.x': '1' }],
  ])('%s', (word, expected) => {
    const doc = set(demo, word);
    for (const [key, value] of Object.entries(expected)) expect(getText(doc, key)).toBe(value);
  });

  it('an empty value restores the default of a setting, and deletes a key', () => {
    const doc = set(demo, 'network=VMnet5', 'notes=x', 'guestinfo.x=1', 'mac=02:00:00:00:00:01');
    const back = set(doc, 'network=nat', 'notes=', 'guestinfo.x=', 'mac=');
    for (const key of ['ethernet0.vnet', 'annotation', 'guestinfo.x'])
      expect(getText(back, key)).toBeUndefined();
    expect(readModel(back).model.nics).toEqual(readModel(demo).model.nics);
  });

  it('settings that depend on each other can be set together', () => {
    expect(refusal(demo, 'usb=off')).toContain('kame.input is "usb"; it must be virtio or ps2');
    expect(readModel(set(demo, 'usb=off', 'input=virtio')).model.usb.present).toBe(false);
    expect(refusal(demo, 'cpus=6', 'cores-per-socket=4')).toContain('a divisor of numvcpus (6)');
    expect(readModel(set(demo, 'cpus=6', 'cores-per-socket=3')).model.coresPerSocket).toBe(3);
  });

  it.each([
    ['cpus=0', 'numvcpus is "0"; it must be a whole number from 1 to 32.'],
    ['cpus=many', 'cpus is "many"; it must be 1 to 32.'],
    ['cpus=-1', 'cpus is "-1"; it must be 1 to 32.'],
    ['memory=1MiB', 'memsize is "1"; it must be a multiple of 4 from 64 to 1048576 (MiB).'],
    ['memory=10TiB', 'memsize is "10485760"; it must be'],
    ['memory=1023MiB', 'memsize is "1023"; it must be'],
    ['memory=4096', 'memory is "4096", without a unit. Add a unit, as in 2GiB.'],
    ['memory=1.5MB', 'memory is "1.5MB"; it must be 64MiB to 1TiB, a multiple of 1 MiB.'],
    ['memory=lots', 'memory is "lots", which is not a size. Write a number and a unit'],
    ['memsize=x', 'memsize is "x"; it must be a whole number.'],
    ['sound=loud', 'sound is "loud"; it must be on or off.'],
    ['sound.present=loud', 'sound.present is "loud"; it must be TRUE or FALSE.'],
    ['accelerator=warp', 'accelerator is "warp"; it must be auto, kvm, hvf or tcg.'],
    ['kame.accelerator=warp', 'kame.accelerator is "warp"; it must be auto, kvm, hvf or tcg.'],
    ['firmware=bios', 'firmware is "bios"; it must be efi for an ARM guest.'],
    ['network=nta', 'network is "nta"; it must be nat, bridged, hostonly, segment:ID'],
    ['network=nta', 'Did you mean nat?'],
    ['network=my lab', 'network is "my lab"; it must be nat, bridged'],
    ['network=segment:', 'network is "segment:"; it must be nat, bridged'],
    ['ethernet0.connectionType=wifi', 'it must be nat, bridged, hostonly, custom or pvn'],
    ['ethernet0.rxfi.droprate=1001', 'ethernet0.rxfi.droprate is "1001"; it must be a whole number'],
    ['kame.hardware=1', 'saved states of the machine depend on it'],
    ['kame.Ethernet0.port=1', 'saved states of the machine depend on it; use `kame nic`'],
    ['mac=nonsense', 'mac is "nonsense"; it must be six hex pairs'],
    ['mac=01:00:5e:00:00:01', 'ethernet0.address is "01:00:5e:00:00:01"; it must be'],
    ['machine-type=virt,x=y', 'it must be a machine type of QEMU'],
    ['boot-order=tape', 'bios.bootOrder is "tape"; it must be'],
    [
      'guest-os=debian12-64',
      'guestOS is "debian12-64"; it must be an id that starts with arm-, because the system',
    ],
    ['nvme0:0.fileName=', 'nvme0:0.fileName is ""; it must be the path of a disk image.'],
    ['nvme0:0.fileName=a\nb', 'nvme0:0.fileName is'],
    ['nvme0.present=FALSE', 'nvme0:0.present is "TRUE"; it must be FALSE while nvme0 is not present.'],
    ['config.version=9', 'config.version cannot be set: no program can read the file without it.'],
    ['UUID.bios=x', 'cannot be set: it is the machine’s identity.'],
    ['encryption.data=x', 'encryption.data cannot be set'],
    ['name=x', 'use `kame rename`'],
    ['displayName=x', 'use `kame rename`'],
    ['.encoding=GBK', '.encoding cannot be set'],
    ['memry=1GiB', '"memry" is not a setting. Did you mean memory?'],
    ['frobnicate=1', '"frobnicate" is not a setting. The settings are cpus,'],
    ['=1', '"" is not a setting.'],
    ['a b.c=1', '"a b.c" is not a valid key in a configuration file.'],
    ['guestinfo.x=\uD800', 'cannot be written in the encoding of the file, UTF-8'],
  ])('refuses %j', (word, message) => {
    expect(refusal(demo, 'notes=not this either', word)).toContain(message);
  });

  it('warns about a key that resembles a known one, and sets it', () => {
    const { doc, problems } = applySettings(demo, changesOf(['ethernet0.conectionType=nat']));
    expect(getText(doc, 'ethernet0.conectionType')).toBe('nat');
    expect(problems).toEqual([
      expect.objectContaining({
        severity: 'warning',
        message: 'ethernet0.conectionType is not a known key. Did you mean ethernet0.connectionType?',
      }),
    ]);
  });

  it('can change a machine that has old problems', () => {
    const bytes = fixtureBytes('workstation5-bom-mixed.vmx');
    const before = parseVmx(bytes);
    const doc = set(before, 'notes=still mine');
    const printed = Buffer.from(printVmx(doc)).toString('latin1');
    expect(printed).toBe(`${Buffer.from(bytes).toString('latin1')}\nannotation = "still mine"\n`);
    expect(getText(doc, 'annotation')).toBe('still mine');
  });

  it('does not hide a new problem behind an old one', () => {
    const broken = edit(demo, new Map([['memsize', '1']]));
    expect(refusal(broken, 'memsize=2')).toContain('memsize is "2"');
    expect(set(broken, 'cpus=3')).not.toBe(broken);
  });
});

describe('the list of settings', () => {
  it('has a working example for each, on a PC', () => {
    const pc = createDocument(
      defaultModel({ name: 'pc', uuid: '564d7bfc-215e-2e04-0dd4-2b4676ee1c8f', guestOS: 'debian12-64' }),
    );
    for (const { name, example } of settingList) {
      const doc = name === 'guest-os' ? demo : name === 'cores-per-socket' ? set(pc, 'cpus=4') : pc;
      const { problems } = applySettings(doc, [{ key: name, value: example }]);
      expect(problems, `${name}=${example}`).toEqual([]);
    }
  });

  it('names each once, with text for --help, and has no protected key', () => {
    expect(new Set(settingList.map(({ name }) => name)).size).toBe(settingList.length);
    for (const { name, what, form, keys } of settingList) {
      expect(what).not.toBe('');
      expect(form).not.toBe('');
      // `boot` chooses between fixed values; it cannot name any other file.
      const written = keys.filter((key) => protectedKeys.has(key.toLowerCase()));
      expect(written).toEqual(name === 'boot' ? ['kame.boot.kernel', 'kame.boot.initrd'] : []);
    }
  });
});

describe('cdrom', () => {
  const cdrom = (doc: VmxDocument, value: string) => applySettings(doc, [{ key: 'cdrom', value }]);

  it.each(['', 'empty'])('%j takes out every ISO, and nothing else', (value) => {
    const model = defaultModel({
      name: 'a',
      uuid: '7b11072f-707b-4bf2-95e6-1d411f5a171c',
      guestOS: 'debian12-64',
    });
    const doc = createDocument(withCdrom(withCdrom(model, '/gone/a.iso'), '/gone/b.iso'));
    const { doc: empty, problems } = cdrom(doc, value);
    expect(problems).toEqual([]);
    const { cdroms, ...rest } = readModel(empty).model;
    expect(cdroms.map(({ fileName }) => fileName)).toEqual([null, null]);
    const { cdroms: before, ...same } = readModel(doc).model;
    expect([before.length, rest]).toEqual([2, same]);
    expect(printVmx(cdrom(empty, value).doc)).toEqual(printVmx(empty));
  });

  it('names no file: a drive has a key for that', () => {
    expect(cdrom(demo, '/etc/passwd').problems[0]?.message).toContain(
      'cdrom is "/etc/passwd"; it must be empty',
    );
  });
});

describe('guest-os', () => {
  it('refuses a typing error with a suggestion; the key of the file takes any id', () => {
    const set = (key: string) => applySettings(demo, [{ key, value: 'arm-debain12-64' }]).problems;
    expect(set('guest-os')).toMatchObject([
      { severity: 'error', message: expect.stringContaining('Did you mean arm-debian12-64?') as string },
    ]);
    expect(set('guestOS').filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});

describe('suggestKey', () => {
  it.each([
    ['ethernet12.virtualdef', 'ethernet12.virtualDev'],
    ['nvme0:3.filname', 'nvme0:3.fileName'],
    ['kame.acelerator', 'kame.accelerator'],
    ['ethernet0.present', undefined],
    ['NVME0:0.FILENAME', undefined],
    ['guestinfo.anything', undefined],
    ['vendor.own.key', undefined],
  ])('%s -> %s', (key, meant) => {
    expect(suggestKey(key)).toBe(meant);
  });
});

describe('boot', () => {
  it('switches between the kernel in the bundle and the firmware', () => {
    const doc = createDocument({
      ...defaultModel({
        name: 'a',
        uuid: '7b11072f-707b-4bf2-95e6-1d411f5a171c',
        guestOS: 'arm-other6xlinux-64',
      }),
      kame: { accelerator: 'auto', directBoot: { kernel: 'kernel', initrd: 'initrd', commandLine: 'quiet' } },
    });
    const firmware = applySettings(doc, [{ key: 'boot', value: 'firmware' }]);
    expect(readModel(firmware.doc).model.kame.directBoot).toBeUndefined();
    const direct = applySettings(firmware.doc, [{ key: 'boot', value: 'direct' }]);
    expect(readModel(direct.doc).model).toEqual(readModel(doc).model);
    expect(applySettings(doc, [{ key: 'boot', value: 'floppy' }]).problems[0]?.message).toContain(
      'boot is "floppy"',
    );
  });

  it('may discard a suspended state, but not set one', () => {
    const doc = parseVmx(
      Buffer.from('config.version = "8"\nvirtualHW.version = "20"\ncheckpoint.vmState = "a.vmss"\n'),
    );
    expect(applySettings(doc, [{ key: 'checkpoint.vmState', value: 'b.vmss' }]).problems).not.toEqual([]);
    const { doc: discarded } = applySettings(doc, [{ key: 'checkpoint.vmState', value: '' }]);
    expect(readModel(discarded).model.suspendedState).toBe('');
  });
});
