import { KameError } from '../core/errors.ts';
import { checkGuestOs } from './guest-os.ts';
import type { Nic } from './machine.ts';
import { connectionMeant, isNetworkName } from './network-name.ts';
import { readModel } from './read.ts';
import { invalid, type Setting } from './setting.ts';
import { slotName } from './slots.ts';
import { isVmwareStaticMac, normalizeMac } from './uuid.ts';
import { isSegmentId } from './validate-nics.ts';

/** Names of the files in a bundle that boot without firmware. */
export const directBootFiles = { kernel: 'kernel', initrd: 'initrd' } as const;

const bootForm =
  'direct (the engine loads the kernel in the bundle) or firmware (the firmware boots the disk)';

export const boot: Setting = {
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

/** The words for the network of an adapter that people use, for messages. */
export const networkForm =
  'nat, bridged, hostonly, segment:ID for a LAN segment, or the name of a network such as vmnet5';

/** Where an adapter is connected: the part of it that `network` and `kame nic` set. */
export type NicNetwork = Pick<Nic, 'connection' | 'vnet' | 'segment'>;

/**
 * The network that a text names; see networkForm. Whether a network of that name exists is checked elsewhere.
 * @throws KameError INVALID_VALUE with what was probably meant
 */
export function networkNamed(name: string, text: string): NicNetwork {
  const word = text.trim();
  const folded = word.toLowerCase();
  if (folded === 'nat' || folded === 'bridged' || folded === 'hostonly') return { connection: folded };
  if (folded === 'host-only') return { connection: 'hostonly' };
  const segment = /^segment:(.*)$/is.exec(word)?.[1]?.trim();
  if (segment !== undefined && isSegmentId(segment)) return { connection: 'pvn', segment };
  const meant = connectionMeant(folded);
  if (!isNetworkName(folded) || meant !== undefined) {
    const error = invalid(name, text, networkForm);
    throw meant === undefined
      ? error
      : new KameError('INVALID_VALUE', error.message, { next: `Did you mean ${meant}?` });
  }
  return { connection: 'custom', vnet: word };
}

export const network: Setting = {
  name: 'network',
  what: 'network of the first adapter',
  form: networkForm,
  example: 'nat',
  keys: ['ethernet0.connectionType', 'ethernet0.vnet', 'ethernet0.pvnID'],
  changes: (value) => {
    const { connection, vnet, segment } = networkNamed('network', value);
    return new Map([
      ['ethernet0.connectionType', connection],
      ['ethernet0.vnet', vnet ?? null],
      ['ethernet0.pvnID', segment ?? null],
    ]);
  },
};

const macForm = 'six hex pairs such as 00:50:56:12:34:56';

export const mac: Setting = {
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
  'empty, which takes out every ISO; to insert one, set the file of a drive, such as sata0:1.fileName=./a.iso';

export const cdrom: Setting = {
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

export const guestOs: Setting = {
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
