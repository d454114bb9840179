import { suggest } from '../core/suggest.ts';
import { foldKey } from '../vmx/document.ts';

const storageDevice = [
  'present',
  'fileName',
  'deviceType',
  'mode',
  'startConnected',
  'autodetect',
  'clientDevice',
  'writeThrough',
  'redo',
  'shared',
  'virtualSSD',
];

/**
 * Keys of VMware and Kame that people set; `#` is a number. Other keys are allowed too: the list only finds typing
 * errors.
 */
const knownKeys: readonly string[] = [
  ...[
    'memsize',
    'numvcpus',
    'annotation',
    'guestOS',
    'firmware',
    'nvram',
    'extendedConfigFile',
    'cleanShutdown',
  ],
  ...['softPowerOff', 'cpuid.coresPerSocket', 'config.version', 'virtualHW.version'],
  ...['virtualHW.productCompatibility', 'uefi.secureBoot.enabled', 'bios.bootOrder', 'bios.bootDelay'],
  ...['bios.forceSetupOnce', 'uuid.bios', 'uuid.location', 'uuid.action', 'vc.uuid', 'msg.autoAnswer'],
  ...['checkpoint.vmState', 'vhv.enable', 'vpmc.enable', 'vtpm.present', 'managedvm.autoAddVTPM'],
  ...['powerType.powerOff', 'powerType.powerOn', 'powerType.suspend', 'powerType.reset'],
  ...['nvme', 'sata', 'scsi'].flatMap((bus) => [`${bus}#.present`, `${bus}#.pciSlotNumber`]),
  ...['scsi#.virtualDev', 'scsi#.sharedBus', 'disk.EnableUUID', 'disk.enableVirtualSSD'],
  ...['nvme', 'sata', 'scsi', 'ide'].flatMap((bus) => storageDevice.map((key) => `${bus}#:#.${key}`)),
  ...[
    'present',
    'startConnected',
    'connectionType',
    'vnet',
    'virtualDev',
    'addressType',
    'address',
    'generatedAddress',
    'generatedAddressOffset',
    'checkMACAddress',
    'networkName',
    'displayName',
    'bsdName',
    'wakeOnPcktRcv',
    'linkStatePropagation.enable',
    'noPromisc',
    'pciSlotNumber',
    'pvnID',
    'allowGuestConnectionControl',
    'features',
    ...['rx', 'tx'].flatMap((side) => [
      `${side}bw.limit`,
      `${side}bw.queuesize`,
      `${side}fi.droprate`,
      `${side}fi.dropsize`,
      `${side}latency.latency`,
    ]),
  ].map((key) => `ethernet#.${key}`),
  ...['svga.present', 'svga.autodetect', 'svga.vramSize', 'svga.graphicsMemoryKB', 'svga.numDisplays'],
  ...[
    'svga.maxWidth',
    'svga.maxHeight',
    'mks.enable3d',
    'sound.present',
    'sound.virtualDev',
    'sound.fileName',
  ],
  ...['sound.autodetect', 'sound.startConnected', 'usb.present', 'ehci.present', 'usb_xhci.present'],
  ...['RemoteDisplay.vnc.enabled', 'RemoteDisplay.vnc.port', 'RemoteDisplay.vnc.password'],
  ...['present', 'fileType', 'fileName', 'pipe.endPoint', 'tryNoRxLoss', 'startConnected'].map(
    (key) => `serial#.${key}`,
  ),
  ...['present', 'enabled', 'readAccess', 'writeAccess', 'hostPath', 'guestName', 'expiration'].map(
    (key) => `sharedFolder#.${key}`,
  ),
  ...[
    'sharedFolder.maxNum',
    ...['present', 'fileType', 'fileName', 'startConnected'].flatMap((key) => [
      `floppy#.${key}`,
      `parallel#.${key}`,
    ]),
    'tools.syncTime',
    'tools.upgrade.policy',
    'tools.remindInstall',
  ],
  ...['isolation.tools.hgfs.disable', 'isolation.tools.copy.disable', 'isolation.tools.paste.disable'],
  ...[
    'isolation.tools.dnd.disable',
    'isolation.tools.hgfsServerSet.disable',
    'vmci#.present',
    'hpet#.present',
  ],
  ...[
    'kame.accelerator',
    'kame.machineType',
    'kame.input',
    'kame.seed',
    'kame.image',
    'kame.importedFrom',
    'kame.boot.kernel',
  ],
  ...[
    'kame.nvram',
    'kame.boot.initrd',
    'kame.boot.commandLine',
    'kame.nvme#.device',
    'kame.sata#.device',
    'kame.scsi#.device',
  ],
  ...['kame.ide#.device', 'kame.ethernet#.device', 'kame.ethernet#.port', 'kame.hardware', 'kame.folder'],
];

const folded = new Set(knownKeys.map(foldKey));

/** Whether a word without a dot is a key of VMware. */
export function isPlainKey(key: string): boolean {
  return folded.has(foldKey(key));
}

/** The known key that an unknown one resembles, with the same numbers, or undefined. */
export function suggestKey(key: string): string | undefined {
  const numbers = key.match(/\d+(?=[.:])/g) ?? [];
  const pattern = key.replace(/\d+(?=[.:])/g, '#');
  if (folded.has(foldKey(pattern))) return undefined;
  const meant = suggest(pattern, knownKeys, 2);
  if (meant === undefined || meant.split('#').length !== numbers.length + 1) return undefined;
  let next = 0;
  return meant.replaceAll('#', () => numbers[next++] ?? '#');
}
