import { gzipSync } from 'node:zlib';
import { descriptor, disk } from '../support/appliances.ts';
import { ovf, tarHeader, tarOf, type OvaFile } from '../support/ova.ts';
import { noBlock, vdiFile } from '../support/vdi.ts';
import { fileOf, vhdxPieces } from '../support/vhdx.ts';
import { splitExtent } from '../support/vmdk-kinds.ts';

/** What somebody sends: its first file is what is imported. */
export interface Hostile {
  readonly what: string;
  readonly files: readonly OvaFile[];
  /** What the refusal says. */
  readonly message: RegExp;
}

const sector = 512;
const named = (name: string, content: Buffer | string): OvaFile => ({ name, content: Buffer.from(content) });

/** The descriptor of a VMDK. */
function vmdkText(extents: string, parent = 'parentCID=ffffffff'): string {
  return `# Disk DescriptorFile\nversion=1\nCID=00000001\n${parent}\ncreateType="custom"\n${extents}\n`;
}

const vmdk = (extents: string, parent?: string): OvaFile[] => [named('d.vmdk', vmdkText(extents, parent))];
const childOf = (parent: string): string => `parentCID=00000001\nparentFileNameHint="${parent}"`;

/** Less than 1 MiB that stands for 1 TiB: its tables lead to the same grain again and again. */
function inflated(): Buffer {
  const grains = 128 * 512;
  const sectors = 2 ** 31;
  const directory = Buffer.alloc((sectors / grains) * 4);
  const tableAt = 1 + directory.length / sector;
  for (let at = 0; at < directory.length; at += 4) directory.writeUInt32LE(tableAt, at);
  const table = Buffer.alloc(4 * sector);
  for (let at = 0; at < table.length; at += 4) table.writeUInt32LE(tableAt + 4, at);
  const header = splitExtent(sectors, new Map()).subarray(0, sector);
  return Buffer.concat([header, directory, table, Buffer.alloc(64 * 1024, 'x')]);
}

/** A disk of which some tables are behind its end. */
function withoutTables(): Buffer {
  return splitExtent(2048, new Map([[0, Buffer.alloc(64 * 1024, 'x')]])).subarray(0, 3 * sector);
}

const extent = named('s', splitExtent(2048, new Map()));
const passwd = /"\/etc\/passwd"/;

/** Disks of VMware. */
export const vmdks: readonly Hostile[] = [
  { what: 'names /etc/passwd', files: vmdk('RW 8 FLAT "/etc/passwd" 0'), message: passwd },
  {
    what: 'names a file above it',
    files: vmdk('RW 8 FLAT "../../secret" 0'),
    message: /"\.\.\/\.\.\/secret"/,
  },
  { what: 'names a URL', files: vmdk('RW 8 FLAT "http://a.test/d" 0'), message: /"http:\/\/a\.test\/d"/ },
  { what: 'names json:', files: vmdk('RW 8 FLAT "json:{}" 0'), message: /json:/ },
  { what: 'names a protocol of QEMU', files: vmdk('RW 8 FLAT "nbd:a:1" 0'), message: /nbd:a:1/ },
  { what: 'names a device', files: vmdk('RW 8 FLAT "/dev/zero" 0'), message: /"\/dev\/zero"/ },
  { what: 'is a physical disk', files: vmdk('RW 8 VMFSRDM "d"'), message: /VMFSRDM/ },
  { what: 'names itself, flat', files: vmdk('RW 8 FLAT "d.vmdk" 0'), message: /d\.vmdk/ },
  { what: 'names itself, sparse', files: vmdk('RW 8 SPARSE "d.vmdk"'), message: /d\.vmdk/ },
  {
    what: 'is its own parent',
    files: [...vmdk('RW 2048 SPARSE "s"', childOf('d.vmdk')), extent],
    message: /is part of a loop/,
  },
  {
    what: 'has parents in a circle',
    files: [
      ...vmdk('RW 2048 SPARSE "s"', childOf('e')),
      named('e', vmdkText('RW 2048 SPARSE "s"', childOf('d.vmdk'))),
      extent,
    ],
    message: /is part of a loop/,
  },
  { what: 'has a parent elsewhere', files: vmdk('RW 8 ZERO', childOf('/etc/passwd')), message: passwd },
  {
    what: 'has a URL for a parent',
    files: vmdk('RW 8 ZERO', childOf('http://a.test/d')),
    message: /a\.test/,
  },
  {
    what: 'cannot be written, all of it',
    files: [...vmdk('RDONLY 8 FLAT "f" 0'), named('f', Buffer.alloc(4096))],
    message: /RDONLY and/,
  },
  { what: 'cannot be accessed', files: vmdk('NOACCESS 8 ZERO'), message: /NOACCESS extents only/ },
  {
    what: 'stands for 1 TiB',
    files: [...vmdk(`RW ${2 ** 31} SPARSE "s"`), named('s', inflated())],
    message: /used twice|overlap/,
  },
  {
    what: 'has truncated tables',
    files: [...vmdk('RW 2048 SPARSE "s"'), named('s', withoutTables())],
    message: /truncated/,
  },
];

/** Disks of others. */
export const otherDisks: readonly Hostile[] = [
  {
    what: 'is a VHDX of differences to another file',
    files: [named('d.vhdx', fileOf(vhdxPieces({ flags: 2 })))],
    message: /only the differences/,
  },
  {
    what: 'is a VHDX whose blocks are in one place',
    files: [
      named(
        'd.vhdx',
        fileOf(
          vhdxPieces({
            table: [
              [4, 6],
              [4, 6],
              [4, 6],
            ],
          }),
        ),
      ),
    ],
    message: /used twice|overlap/,
  },
  {
    what: 'is a VHDX with too small a table for its 64 TiB',
    files: [named('d.vhdx', fileOf(vhdxPieces({ diskBytes: 2 ** 46 })))],
    message: /table is too small/,
  },
  {
    what: 'is a VHDX that was cut',
    files: [named('d.vhdx', fileOf(vhdxPieces()).subarray(0, 3 * 1024 ** 2))],
    message: /beyond its end/,
  },
  {
    what: 'is a VDI of differences to another file',
    files: [named('d.vdi', vdiFile({ type: 4 }))],
    message: /is a difference/,
  },
  {
    what: 'is a VDI whose blocks are in one place',
    files: [named('d.vdi', vdiFile({ map: [1, noBlock, 1] }))],
    message: /used twice/,
  },
  {
    what: 'is a VDI that was cut',
    files: [named('d.vdi', vdiFile().subarray(0, 1100))],
    message: /truncated/,
  },
];

/** The header of an entry that is neither a file, a directory nor a link. */
export function odd(letter: string, size = 0): Buffer {
  const header = tarHeader('odd', 'file', size);
  header.write(letter, 156, 'latin1');
  header.write('        ', 148, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** 10 MiB. A gzip file may have several parts. */
const zeros = gzipSync(Buffer.alloc(10 * 1024 ** 2));
const begun = tarOf([descriptor()]).subarray(0, -1024);
const archive = (...more: readonly Buffer[]): OvaFile[] => [
  named('web.ova', Buffer.concat([begun, ...more, Buffer.alloc(1024)])),
];
const ova = (...files: readonly OvaFile[]): OvaFile[] => [named('web.ova', tarOf(files))];
const disguised = (from: string, to: string): OvaFile => named('web.ovf', ovf().replace(from, to));

/** Archives. */
export const archives: readonly Hostile[] = [
  { what: 'has an absolute path', files: archive(tarHeader('/etc/passwd', 'file')), message: passwd },
  { what: 'has a path above it', files: archive(tarHeader('../x', 'file')), message: /"\.\.\/x"/ },
  { what: 'has a link', files: archive(tarHeader(disk.name, 'symlink')), message: /not a plain file/ },
  { what: 'has a hard link', files: archive(tarHeader(disk.name, 'link')), message: passwd },
  { what: 'has a character device', files: archive(odd('3')), message: /not a plain file/ },
  { what: 'has a block device', files: archive(odd('4')), message: /not a plain file/ },
  { what: 'has a named pipe', files: archive(odd('6')), message: /not a plain file/ },
  {
    what: 'inflates from 1 MiB',
    files: ova(descriptor({ capacity: 2 ** 40, file: 'ovf:compression="gzip"' }), {
      ...disk,
      content: Buffer.concat([gzipSync(disk.content), ...Array.from({ length: 20 }, () => zeros)]),
    }),
    message: /expands to more than 100 times/,
  },
];

/** Appliances whose descriptor lies beside its files. */
export const descriptors: readonly Hostile[] = [
  ...[
    ['a path above it', '../d.vmdk'],
    ['/etc/passwd', '/etc/passwd'],
    ['json:', 'json:{}'],
    ['a URL', 'http://a.test/d.vmdk'],
    ['a device', '/dev/zero'],
  ].map(([what = '', to = '']) => ({
    what: `names ${what}`,
    files: [disguised(disk.name, to), disk],
    message: /not a plain file name/,
  })),
  {
    what: 'declares entities',
    files: [disguised('<Envelope', '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Envelope')],
    message: /declares a document type/,
  },
  {
    what: 'is nested 10,000 deep',
    files: [disguised('<References>', `<References>${'<a>'.repeat(10_000)}`)],
    message: /nested more than 64 deep/,
  },
  {
    what: 'has a manifest that lies',
    files: [descriptor(), disk, named('web.mf', `SHA256(${disk.name})= ${'0'.repeat(64)}\n`)],
    message: /does not fit the manifest/,
  },
];
