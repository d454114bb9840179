import type { Arbitrary } from 'fast-check';
import { dictionary } from './generated.ts';
import type { Corpus } from './mutation.ts';

function corpus(samples: readonly string[], pieces: string, generated: Arbitrary<Buffer>): Corpus {
  return {
    generated,
    samples: samples.map((text) => Buffer.from(text)),
    pieces: pieces.split('~').map((text) => Buffer.from(text)),
  };
}

const linuxMachine = `#!/usr/bin/vmware
.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "20"
displayName = "Ubuntu – é"
guestOS = "arm-ubuntu-64"
firmware = "efi"
nvram = "a.nvram"
uuid.bios = "56 4d 01 02 03 04 05 06-07 08 09 0a 0b 0c 0d 0e"
memsize = "4096"
numvcpus = "2"
cpuid.coresPerSocket = "2"
bios.bootOrder = "cdrom,hdd,ethernet0"
nvme0.present = "TRUE"
nvme0:0.present = "TRUE"
nvme0:0.fileName = "a.vmdk"
nvme0:0.mode = "independent-persistent"
sata0.present = "TRUE"
sata0:1.present = "TRUE"
sata0:1.deviceType = "cdrom-image"
sata0:1.fileName = "/iso/a.iso"
ethernet0.present = "TRUE"
ethernet0.connectionType = "custom"
ethernet0.vnet = "VMnet5"
ethernet0.virtualDev = "vmxnet3"
ethernet0.addressType = "generated"
ethernet0.generatedAddress = "00:0c:29:11:22:33"
sharedFolder0.present = "TRUE"
sharedFolder0.hostPath = "/home/me|7Cme"
sharedFolder0.guestName = "me"
svga.graphicsMemoryKB = "262144"
kame.boot.kernel = "kernel"
kame.boot.commandLine = "console=ttyAMA0 |22quiet|22"
kame.machineType = "virt-7.2"
`;

const windowsMachine = `.encoding = "windows-1252"\r
config.version = "8"\r
virtualHW.version = "8"\r
displayName = "D\u00e9p\u00f4t"\r
guestOS = "winxppro"\r
memsize = "256"\r
scsi0.present = "TRUE"\r
scsi0.virtualDev = "buslogic"\r
scsi0:0.present = "TRUE"\r
scsi0:0.fileName = "xp.vmdk"\r
ide1:0.present = "TRUE"\r
ide1:0.deviceType = "atapi-cdrom"\r
floppy0.fileType = "file"\r
floppy0.fileName = "boot.flp"\r
parallel0.present = "TRUE"\r
serial0.present = "TRUE"\r
serial0.fileType = "pipe"\r
serial0.fileName = "\\\\.\\pipe\\com1"\r
ethernet0.present = "TRUE"\r
ethernet0.connectionType = "pvn"\r
ethernet0.pvnID = "52 f4 2f 14 12 bf e9 e0-67 af 6b 00 00 00 00 01"\r
checkpoint.vmState = "xp.vmss"\r
encryption.data = "xx"\r
`;

export const vmxCorpus = corpus(
  [linuxMachine, windowsMachine],
  '\nmemsize = "~\n.encoding = "GBK"\n~\n.encoding = Shift_JIS\n~.encoding = "utf-16le"\n~\nethernet99.present = "TRUE"\n~\nscsi3:15.present = TRUE\n~ = ~"~#~|FF~\nusb.present = "TRUE"\n~\nsvga.numDisplays = "17"\n~\nkame.ethernet0.device = "virtio-net"\n',
  dictionary(
    [
      ...[
        'scsi#',
        'sata#',
        'ide#',
        'nvme#',
        'scsi#:1',
        'sata#:0',
        'ide#:1',
        'nvme#:0',
        'ethernet#',
        'floppy#',
      ],
      ...[
        'serial#',
        'sharedFolder#',
        'usb',
        'svga',
        'sound',
        'kame.ethernet#',
        'kame.nvme#',
        'uuid',
        'bios',
        '',
      ],
    ],
    [
      ...[
        '.present',
        '.fileName',
        '.deviceType',
        '.virtualDev',
        '.mode',
        '.connectionType',
        '.vnet',
        '.address',
      ],
      ...[
        '.addressType',
        '.fileType',
        '.hostPath',
        '.numDisplays',
        '.device',
        '.bios',
        'memsize',
        'numvcpus',
      ],
      ...['guestOS', 'firmware', 'displayName', '.encoding', 'virtualHW.version', 'checkpoint.vmState'],
    ],
    [
      'a.vmdk',
      'cdrom-image',
      'lsilogic',
      'pvscsi',
      'vmxnet3',
      'nat',
      'custom',
      'VMnet5',
      'efi',
      'arm-debian-64',
    ],
  ),
);

const snapshots = `.encoding = "UTF-8"
snapshot.lastUID = "3"
snapshot.current = "3"
snapshot.mru0.uid = "3"
snapshot.mru1.uid = "1"
snapshot0.uid = "1"
snapshot0.filename = "a-Snapshot1.vmsn"
snapshot0.displayName = "before"
snapshot0.description = "two|0Alines"
snapshot0.createTimeHigh = "402000"
snapshot0.createTimeLow = "-1234567"
snapshot0.numDisks = "1"
snapshot0.disk0.fileName = "a.vmdk"
snapshot0.disk0.node = "scsi0:0"
snapshot0.clone0 = "/clones/b.vmx"
snapshot0.numClones = "1"
snapshot1.uid = "3"
snapshot1.filename = "a-Snapshot3.vmsn"
snapshot1.parent = "1"
snapshot1.type = "1"
snapshot1.tiers = "1, 2"
snapshot1.disk0.fileName = "a-000001.vmdk"
snapshot1.disk0.node = "scsi0:0"
snapshot.numSnapshots = "2"
rollingTier0.uid = "1"
rollingTier0.interval = "1800"
rollingTier0.maximum = "3"
rollingTier0.displayName = "Half-Hourly"
rollingTier0.timeSinceLast = "10"
snapshot.numRollingTiers = "1"
cloneOf0 = "/parents/p.vmx"
sentinel0 = "a-cl1.vmdk"
snapshot.needConsolidate = "TRUE"
`;

export const vmsdCorpus = corpus(
  [snapshots],
  '\nsnapshot2.uid = "2"\n~\nsnapshot1.parent = "3"\n~\nsnapshot0.parent = "3"\n~snapshot99999.uid = "4"\n~snapshot4.disk9.node = "x"\n~\nsnapshot0.uid = "2147483647"\n~snapshot.current = "9"\n~rollingTier5.uid = "1"\n~ = ~"~\n',
  dictionary(
    ['snapshot', 'snapshot#', 'snapshot#.disk0', 'snapshot#.disk1', 'rollingTier#', 'snapshot.mru#', ''],
    [
      ...['.uid', '.parent', '.lastUID', '.current', '.numSnapshots', '.filename', '.displayName', '.type'],
      ...[
        '.createTimeHigh',
        '.createTimeLow',
        '.numDisks',
        '.fileName',
        '.node',
        '.tiers',
        '.numClones',
        '.clone0',
      ],
      ...['.interval', '.maximum', '.numRollingTiers', '.needConsolidate', 'cloneOf0', 'sentinel0'],
    ],
    ['1', '2', '3', 'a.vmsn', 'a.vmdk', 'scsi0:0', 'TRUE', '1, 2'],
  ),
);
