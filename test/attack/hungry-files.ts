import { disk, text } from '../support/appliances.ts';
import { ovf, tarHeader, tarOf, type OvaFile } from '../support/ova.ts';
import { streamParts, streamVmdk } from '../support/stream-vmdk.ts';
import { vdiFile } from '../support/vdi.ts';
import { odd, type Hostile } from './hostile-files.ts';

// Files that ask for much memory. A file can be much longer than its content: the rest of it is zeros, which take no room.

/** A file with a length of its own. */
interface LongFile extends OvaFile {
  readonly bytes?: number;
}

export interface Hungry extends Hostile {
  readonly files: readonly LongFile[];
}

const mebibyte = 1024 ** 2;
const long = (name: string, start: string | Buffer, bytes: number): LongFile => ({
  name,
  content: Buffer.from(start),
  bytes,
});

/** 4 MB of what a function makes of a number. */
function much(make: (number: number) => string): string {
  let all = '';
  for (let number = 0; all.length < 4_000_000; number += 1) all += make(number);
  return all;
}

const inEnvelope = (inside: string) =>
  text('web.ovf', ovf().replace('<References>', `<References>${inside}`));

/** The header of a sparse VMDK of 8 PiB, in grains of a sector. */
function sparseHeader(): Buffer {
  const { header } = streamParts(128, new Map());
  header.writeBigUInt64LE(2n ** 44n, 12);
  header.writeBigUInt64LE(1n, 20);
  return header;
}

/** A qcow2 of 64 TiB in clusters of 512 bytes. */
function qcow2(l1Size: number): Buffer {
  const head = Buffer.alloc(104);
  head.write('QFI\u00fb', 'latin1');
  head.writeUInt32BE(3, 4);
  head.writeUInt32BE(9, 20);
  head.writeBigUInt64BE(2n ** 46n, 24);
  head.writeUInt32BE(l1Size, 36);
  head.writeBigUInt64BE(1024n, 40);
  head.writeBigUInt64BE(512n, 48);
  head.writeUInt32BE(1, 56);
  head.writeUInt32BE(4, 96);
  head.writeUInt32BE(104, 100);
  return head;
}

/** A grain of 64 KiB that inflates to 100 MiB. */
function swelling(): Buffer {
  return streamVmdk(streamParts(128, new Map([[0, Buffer.alloc(100 * mebibyte)]])));
}

const vmx = 'config.version = "8"\nvirtualHW.version = "20"\nguestOS = "arm-other-64"\nmemsize = "64"\n';

export const hungry: readonly Hungry[] = [
  {
    what: 'has a descriptor of 100 MB',
    files: [long('web.ovf', '<Envelope ', 100 * mebibyte)],
    message: /has more than/,
  },
  {
    what: 'has a descriptor of 100 MB in an archive',
    files: [long('web.ova', tarHeader('web.ovf', 'file', 100 * mebibyte), 100 * mebibyte + 2048)],
    message: /has more than/,
  },
  {
    what: 'has 4 MB of attributes',
    files: [text('web.ovf', `<Envelope ${much((number) => `a${number}="" `)}/>`)],
    message: /attributes/,
  },
  {
    what: 'has 4 MB of elements',
    files: [inEnvelope(much(() => '<a/>'))],
    message: /more than 50.?000 elements/,
  },
  {
    what: 'has a manifest of 100 MB',
    files: [text('web.ovf', ovf()), disk, long('web.mf', 'SHA256', 100 * mebibyte)],
    message: /has more than/,
  },
  {
    what: 'has an extended header of 100 MB',
    files: [long('web.ova', odd('x', 100 * mebibyte), 101 * mebibyte)],
    message: /description of an entry is too long/,
  },
  {
    what: 'has a grain that swells',
    files: [{ name: 'web.ova', content: tarOf([text('web.ovf', ovf()), { ...disk, content: swelling() }]) }],
    message: /cannot be decompressed/,
  },
  {
    what: 'is a VMDK with a descriptor of 100 MB',
    files: [long('d.vmdk', '# Disk DescriptorFile\n', 100 * mebibyte)],
    message: /too long for a VMDK descriptor/,
  },
  {
    what: 'is a VMDK of 90,000 extents',
    files: [
      text(
        'd.vmdk',
        `# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType="custom"\n${'RW 8 ZERO\n'.repeat(90_000)}`,
      ),
    ],
    message: /more than 32768 extents/,
  },
  {
    what: 'is a VMDK of 8 PiB',
    files: [long('d.vmdk', sparseHeader(), 2 ** 40)],
    message: /limit is 64 TiB/,
  },
  {
    what: 'is a qcow2 with a long table',
    files: [long('d.qcow2', qcow2(2 ** 31), 2 ** 40)],
    message: /L1 table has 2147483648/,
  },
  {
    what: 'is a qcow2 of 64 TiB in small clusters',
    files: [long('d.qcow2', qcow2(2 ** 25), 2 ** 40)],
    message: /L1 table has 33554432/,
  },
  {
    what: 'is a VDI of 67 million blocks',
    files: [
      long(
        'd.vdi',
        vdiFile({ blockCount: 2 ** 26, diskBytes: 2 ** 35, map: [0, 0], dataAt: 2 ** 29 }),
        2 ** 36,
      ),
    ],
    message: /used twice/,
  },
  {
    what: 'is a .vmx of 100 MB',
    files: [long('m.vmx', vmx, 100 * mebibyte)],
    message: /the limit is 1048576 bytes/,
  },
];
