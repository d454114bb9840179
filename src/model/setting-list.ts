import { KameError } from '../core/errors.ts';
import { formatSize, parseSize } from '../core/units.ts';
import type { VmxDocument } from '../vmx/document.ts';
import { booleanText } from '../vmx/values.ts';
import { checkGuestOs } from './guest-os.ts';
import { readModel } from './read.ts';
import { listOf } from './reading.ts';
import { slotName } from './slots.ts';
import { isVmwareStaticMac, normalizeMac } from './uuid.ts';

/** Key -> value, or null to delete. */
export type Changes = ReadonlyMap<string, string | null>;

/** A setting for people: one word that stands for one or more keys of the `.vmx`. */
export interface Setting {
  readonly name: string;
  /** What it sets, for --help. */
  readonly what: string;
  /** The allowed values, for --help and messages. */
  readonly form: string;
  readonly example: string;
  /** The keys it writes. */
  readonly keys: readonly string[];
  /** Whether an empty value is a value too. By default it removes the keys. */
  readonly allowsEmpty?: true;
  /**
   * @param doc the file, for a setting whose keys depend on its devices
   * @throws KameError INVALID_VALUE when the text is not an allowed value
   */
  readonly changes: (text: string, doc: VmxDocument) => Changes;
}

function invalid(name: string, text: string, form: string): KameError {
  return new KameError('INVALID_VALUE', `${name} is "${text}"; it must be ${form}.`);
}

/** A setting that writes one key. */
interface About {
  readonly name: string;
  readonly what: string;
  readonly key: string;
  readonly form: string;
  readonly example: string;
}

/** Converts the text to the value in the `.vmx`. @throws KameError INVALID_VALUE */
type Convert = (text: string, about: About) => string;

function one(about: About, convert: Convert): Setting {
  const { key, ...rest } = about;
  return { ...rest, keys: [key], changes: (text) => new Map([[key, convert(text, about)]]) };
}

const asText: Convert = (text) => text;

const asInteger: Convert = (text, { name, form }) => {
  if (!/^\d{1,9}$/.test(text.trim())) throw invalid(name, text, form);
  return String(Number(text));
};

function asSizeIn(unit: number): Convert {
  return (text, { name, form, example }) => {
    // A bare number would be bytes in Kame and megabytes in VMware: ask instead of guessing.
    if (/^\s*\d+\s*$/.test(text)) {
      throw new KameError('INVALID_VALUE', `${name} is "${text}", without a unit.`, {
        next: `Add a unit, as in ${example}.`,
      });
    }
    const bytes = parseSize(text, name);
    if (bytes % unit !== 0) throw invalid(name, text, `${form}, a multiple of ${formatSize(unit)}`);
    return String(bytes / unit);
  };
}

const onOffForm = 'on or off';

function readOnOff(name: string, value: string): boolean {
  const word = value.trim().toLowerCase();
  if (['on', 'true', 'yes', '1'].includes(word)) return true;
  if (['off', 'false', 'no', '0'].includes(word)) return false;
  throw invalid(name, value, onOffForm);
}

function onOff(name: string, what: string, ...keys: string[]): Setting {
  const changes = (value: string): Changes => {
    const written = booleanText(readOnOff(name, value));
    return new Map(keys.map((key) => [key, written]));
  };
  return { name, what, form: onOffForm, example: 'on', keys, changes };
}

function choice(name: string, what: string, key: string, words: readonly string[]): Setting {
  const about = { name, what, key, form: listOf(words), example: words[0] ?? '' };
  return one(about, (text) => {
    const found = words.find((word) => word === text.trim().toLowerCase());
    if (found === undefined) throw invalid(name, text, about.form);
    return found;
  });
}

/** Names of the files in a bundle that boot without firmware. */
export const directBootFiles = { kernel: 'kernel', initrd: 'initrd' } as const;

const bootForm =
  'direct (the engine loads the kernel in the bundle) or firmware (the firmware boots the disk)';

const boot: Setting = {
  name: 'boot',
  what: 'how a machine of the tiny image boots',
  form: bootForm,
  example: 'firmware',
  keys: ['kame.boot.kernel', 'kame.boot.initrd'],
  changes: (value) => {
    const word = value.trim().toLowerCase();
    if (word !== 'direct' && word !== 'firmware') throw invalid('boot', value, bootForm);
    const files = Object.entries(directBootFiles);
    return new Map(files.map(([part, file]) => [`kame.boot.${part}`, word === 'direct' ? file : null]));
  },
};

const networkForm = 'nat, bridged, hostonly or the name of a network such as VMnet5';

const network: Setting = {
  name: 'network',
  what: 'network of the first adapter',
  form: networkForm,
  example: 'nat',
  keys: ['ethernet0.connectionType', 'ethernet0.vnet'],
  changes: (value) => {
    const word = value.trim();
    if (['nat', 'bridged', 'hostonly'].includes(word.toLowerCase())) {
      return new Map([
        ['ethernet0.connectionType', word.toLowerCase()],
        ['ethernet0.vnet', null],
      ]);
    }
    if (!/^vmnet\d{1,3}$/i.test(word)) throw invalid('network', value, networkForm);
    return new Map([
      ['ethernet0.connectionType', 'custom'],
      ['ethernet0.vnet', word],
    ]);
  },
};

const macForm = 'six hex pairs such as 00:50:56:12:34:56';

const mac: Setting = {
  name: 'mac',
  what: 'address of the first adapter',
  form: macForm,
  example: '00:50:56:12:34:56',
  keys: [
    'ethernet0.addressType',
    'ethernet0.address',
    'ethernet0.checkMACAddress',
    'ethernet0.generatedAddress',
    'ethernet0.generatedAddressOffset',
  ],
  changes: (value) => {
    const address = normalizeMac(value.trim());
    if (address === undefined) throw invalid('mac', value, macForm);
    return new Map([
      ['ethernet0.addressType', 'static'],
      ['ethernet0.address', address],
      ['ethernet0.checkMACAddress', isVmwareStaticMac(address) ? null : 'FALSE'],
      ['ethernet0.generatedAddress', null],
      ['ethernet0.generatedAddressOffset', null],
    ]);
  },
};

const cdromForm =
  'empty, which takes out every ISO; key.fileName of a drive, such as sata0:0.fileName, names another';

const cdrom: Setting = {
  name: 'cdrom',
  what: 'the ISO in the CD drives',
  form: cdromForm,
  example: 'empty',
  keys: [],
  allowsEmpty: true,
  changes: (value, doc) => {
    if (!['', 'empty'].includes(value.trim().toLowerCase())) throw invalid('cdrom', value, cdromForm);
    const full = readModel(doc).model.cdroms.filter(({ fileName }) => fileName !== null);
    return new Map(
      full.map(slotName).flatMap((slot) => [
        [`${slot}.deviceType`, 'cdrom-raw'],
        [`${slot}.fileName`, 'auto detect'],
        [`${slot}.startConnected`, 'FALSE'],
      ]),
    );
  },
};

const guestOs: Setting = {
  name: 'guest-os',
  what: 'VMware id of the guest system',
  form: 'an id of the same architecture',
  example: 'arm-debian12-64',
  keys: ['guestOS'],
  changes: (value) => {
    checkGuestOs(value.trim());
    return new Map([['guestOS', value.trim()]]);
  },
};

/** The settings of `kame set`, in the order of --help. An empty value restores the default. */
export const settingList: readonly Setting[] = [
  one(
    { name: 'cpus', what: 'virtual processors', key: 'numvcpus', form: '1 to 32', example: '4' },
    asInteger,
  ),
  one(
    {
      name: 'cores-per-socket',
      what: 'cores in each socket',
      key: 'cpuid.coresPerSocket',
      form: 'a divisor of cpus',
      example: '2',
    },
    asInteger,
  ),
  one(
    { name: 'memory', what: 'memory', key: 'memsize', form: '64MiB to 1TiB', example: '2GiB' },
    asSizeIn(1024 ** 2),
  ),
  one(
    {
      name: 'notes',
      what: 'free text',
      key: 'annotation',
      form: 'any text',
      example: 'web server',
    },
    asText,
  ),
  guestOs,
  choice('accelerator', 'how the guest’s code is run', 'kame.accelerator', ['auto', 'kvm', 'hvf', 'tcg']),
  one(
    {
      name: 'machine-type',
      what: 'machine type of QEMU that is always used',
      key: 'kame.machineType',
      form: 'such as virt-7.2',
      example: 'virt-7.2',
    },
    asText,
  ),
  boot,
  choice('firmware', 'what boots the guest', 'firmware', ['efi', 'bios']),
  onOff('secure-boot', 'UEFI Secure Boot', 'uefi.secureBoot.enabled'),
  onOff('tpm', 'a TPM 2.0', 'vtpm.present'),
  one(
    {
      name: 'boot-order',
      what: 'what to boot from, in order',
      key: 'bios.bootOrder',
      form: 'hdd,cdrom,ethernet0',
      example: 'cdrom,hdd',
    },
    asText,
  ),
  onOff('display', 'a graphics adapter', 'svga.present'),
  one(
    { name: 'displays', what: 'screens', key: 'svga.numDisplays', form: '1 to 16', example: '2' },
    asInteger,
  ),
  one(
    {
      name: 'graphics-memory',
      what: 'memory of the graphics adapter',
      key: 'svga.graphicsMemoryKB',
      form: '1MiB to 16GiB',
      example: '256MiB',
    },
    asSizeIn(1024),
  ),
  onOff('3d', 'accelerated 3D graphics', 'mks.enable3d'),
  onOff('sound', 'a sound card', 'sound.present'),
  onOff('usb', 'USB controllers', 'usb.present', 'ehci.present', 'usb_xhci.present'),
  choice('input', 'keyboard and pointer', 'kame.input', ['usb', 'virtio', 'ps2']),
  network,
  mac,
  cdrom,
  onOff('vnc', 'a VNC server', 'RemoteDisplay.vnc.enabled'),
  one(
    {
      name: 'vnc-port',
      what: 'port of the VNC server',
      key: 'RemoteDisplay.vnc.port',
      form: '1 to 65535',
      example: '5901',
    },
    asInteger,
  ),
  one(
    {
      name: 'kernel-options',
      what: 'command line of a kernel booted directly',
      key: 'kame.boot.commandLine',
      form: 'one line',
      example: 'quiet',
    },
    asText,
  ),
];

/** Keys (folded) that `set` may not change, and the reason. */
export const protectedKeys: ReadonlyMap<string, string> = new Map([
  ['.encoding', 'the whole file is in that encoding'],
  ['config.version', 'no program can read the file without it'],
  ['virtualhw.version', 'the hardware of the guest depends on it'],
  ['virtualhw.productcompatibility', 'the file belongs to a desktop product'],
  ['displayname', 'use `kame rename`'],
  ['name', 'use `kame rename`'],
  ['uuid.bios', 'it is the machine’s identity'],
  ['uuid.location', 'it is the machine’s identity'],
  ['vc.uuid', 'it is the machine’s identity'],
  ['kame.nvram', 'the file with the EFI variables belongs to the machine'],
  ['nvram', 'the file with the EFI variables belongs to the machine'],
  ['extendedconfigfile', 'the file belongs to the machine'],
  ['checkpoint.vmstate', 'it names the suspended state of the machine'],
  ['kame.seed', 'the seed is made together with the machine'],
  ['kame.image', 'it records the image of the first disk'],
  ['kame.boot.kernel', 'the kernel belongs to the machine'],
  ['kame.boot.initrd', 'the initrd belongs to the machine'],
]);

/** Protected keys that may be removed but not set: an empty value discards a suspended state. */
export const removableKeys: ReadonlySet<string> = new Set(['checkpoint.vmstate']);

/** Prefixes of keys that `set` may not change, and the reason. */
export const protectedPrefixes: readonly (readonly [string, string])[] = [
  ['encryption.', 'the file could no longer be decrypted'],
];
