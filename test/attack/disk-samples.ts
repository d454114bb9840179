import fc from 'fast-check';
import { seSparseExtent } from '../support/vmdk-kinds.ts';
import { textOf, withNumbers, wordsOf } from './generated.ts';
import type { Corpus } from './mutation.ts';

const cluster = 512;

/** Numbers of a header in big endian: offset, size in bytes, value. */
function put(
  bytes: Buffer,
  fields: readonly (readonly [at: number, size: 4 | 8, value: number | bigint])[],
): void {
  for (const [at, size, value] of fields) {
    if (size === 8) bytes.writeBigUInt64BE(BigInt(value), at);
    else bytes.writeUInt32BE(Number(value), at);
  }
}

/** A qcow2 of 32 KiB in clusters of 512 bytes, which fits into a few kilobytes: docs/interop/qcow2.txt in QEMU. */
function qcow2(options: { backing?: string; version?: 2 | 3; features?: number } = {}): Buffer {
  const { backing = '', version = 3, features = 0 } = options;
  const bytes = Buffer.alloc(cluster * 7);
  const nameAt = version === 3 ? 128 : 72;
  put(bytes, [
    [0, 4, 0x514649fb],
    [4, 4, version],
    [8, 8, backing === '' ? 0 : nameAt],
    [16, 4, backing.length],
    [20, 4, 9],
    [24, 8, 32 * 1024],
    [36, 4, 1],
    [40, 8, cluster * 3],
    [48, 8, cluster],
    [56, 4, 1],
  ]);
  if (version === 3) {
    put(bytes, [
      [72, 8, features],
      [96, 4, 4],
      [100, 4, 104],
    ]);
    // A header extension: the format of the backing file.
    if (backing !== '') {
      put(bytes, [
        [104, 4, 0xe2792aca],
        [108, 4, 5],
      ]);
      bytes.write('qcow2', 112);
    }
  }
  bytes.write(backing, nameAt);
  put(bytes, [
    [cluster, 8, cluster * 2],
    [cluster * 3, 8, 0x8000_0000_0000_0000n | BigInt(cluster * 4)],
    [cluster * 4, 8, 0x8000_0000_0000_0000n | BigInt(cluster * 5)],
    [cluster * 4 + 8, 8, 0x4000_0000_0000_0000n | BigInt(cluster * 6)],
    [cluster * 4 + 16, 8, 1],
  ]);
  return bytes;
}

const qcow2s = [
  qcow2(),
  qcow2({ backing: 'base.qcow2' }),
  qcow2({ version: 2, backing: 'b' }),
  qcow2({ features: 16 }),
];

export const qcow2Corpus: Corpus = {
  samples: qcow2s,
  generated: withNumbers(
    qcow2s,
    [
      [4, 120],
      [cluster, cluster + 16],
      [cluster * 3, cluster * 3 + 16],
      [cluster * 4, cluster * 4 + 64],
    ],
    'BE',
  ),
  pieces: [
    '514649fb',
    'e2792aca00000005',
    '4441544100000010',
    '8000000000000200',
    '4000000000000200',
    '6803f857',
  ].map((hex) => Buffer.from(hex, 'hex')),
};

function descriptor(extents: string, more = ''): string {
  return `# Disk DescriptorFile
version=1
encoding="UTF-8"
CID=fffffffe
parentCID=ffffffff
createType="custom"
${more}
# Extent description
${extents}

# The Disk Data Base
#DDB
ddb.virtualHWVersion = "4"
ddb.geometry.cylinders = "2"
ddb.adapterType = "lsilogic"
`;
}

const extentWords = [
  ...['RW', 'RDONLY', 'NOACCESS', '8', '4192256', '0', '999999999999999'],
  ...['FLAT', 'SPARSE', 'ZERO', 'VMFS', 'VMFSSPARSE', 'SESPARSE', 'VMFSRDM'],
  ...['"a.vmdk"', '"../a"', '"/etc/passwd"', '"json:{}"', '""', '"'],
];
const descriptorLine = fc.oneof(
  wordsOf(extentWords, ' ', 5),
  fc
    .tuple(fc.constantFrom('RW 8 FLAT', 'RW 8 SPARSE', 'RW 64 SESPARSE'), fc.constantFrom('"a" 0', '"b"'))
    .map((parts) => parts.join(' ')),
  wordsOf(
    [
      ...['CID', 'parentCID', 'createType', 'parentFileNameHint', 'encoding', 'encryptionKeys', '='],
      ...['ffffffff', '1', '"custom"', '"vmfs"', '"fullDevice"', '"GBK"', '"UTF-8"', '"base.vmdk"'],
    ],
    '',
    3,
  ),
);

export const descriptorCorpus: Corpus = {
  generated: textOf(descriptorLine, '# Disk DescriptorFile\ncreateType="custom"\n'),
  samples: [
    descriptor('RW 4192256 SPARSE "a-s001.vmdk"\nRW 2048 SPARSE "a-s002.vmdk"'),
    descriptor('RW 8 FLAT "D\u00e9p\u00f4t-flat.vmdk" 0\nNOACCESS 8 ZERO'),
    descriptor('RW 8 VMFSSPARSE "a-delta.vmdk"', 'parentCID=1\nparentFileNameHint="base.vmdk"'),
    descriptor('RW 8 VMFS "a-flat.vmdk"', 'parentFileNameHint="base.vmdk"\nencryptionKeys="vmware:key"'),
  ].map((text) => Buffer.from(text)),
  pieces: [
    'encoding="windows-1252"\n',
    'encoding="Shift_JIS"\n',
    'encoding="x"\n',
    'createType="vmfsRDM"\n',
    'RW 0 FLAT "x" 0\n',
    'RW 999999999999999 FLAT "../x" 999999999999999\n',
    'RDONLY 8 SESPARSE "x"\n',
    'parentCID=1\n',
    '"',
    ' ',
    '=',
  ].map((text) => Buffer.from(text)),
};

/** A sparse extent of one grain of 4 KiB: VMware's "Virtual Disk Format 5.0". */
function sparse(): Buffer {
  const bytes = Buffer.alloc(512 * 14);
  bytes.write('KDMV', 0);
  bytes.writeUInt32LE(1, 4);
  bytes.writeUInt32LE(3, 8);
  bytes.writeBigUInt64LE(8n, 12);
  bytes.writeBigUInt64LE(8n, 20);
  bytes.writeBigUInt64LE(1n, 28);
  bytes.writeBigUInt64LE(1n, 36);
  bytes.writeUInt32LE(1, 44);
  bytes.writeBigUInt64LE(2n, 56);
  bytes.write('\n \r\n', 73);
  bytes.write(descriptor('RW 8 SPARSE "a.vmdk"').slice(0, 500), 512);
  bytes.writeUInt32LE(3, 1024);
  bytes.writeUInt32LE(4, 1536);
  return bytes;
}

/** The same with its grain directory at the end, as in a streamOptimized disk. */
function streamed(): Buffer {
  const header = Buffer.from(sparse().subarray(0, 512));
  header.writeUInt32LE(3, 4);
  header.writeUInt32LE(0x3_0001, 8);
  header.writeUInt16LE(1, 77);
  const footer = Buffer.from(header);
  header.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 56);
  return Buffer.concat([header, sparse().subarray(512, 2048), footer, Buffer.alloc(512)]);
}

/** An ESX extent of one grain of a sector. */
function cowd(): Buffer {
  const bytes = Buffer.alloc(512 * 39);
  bytes.write('COWD', 0);
  for (const [place, value] of [1, 3, 8, 1, 4, 1].entries()) bytes.writeUInt32LE(value, 4 + place * 4);
  bytes.writeUInt32LE(5, 4 * 512);
  bytes.writeUInt32LE(37, 5 * 512);
  return bytes;
}

const sparses = [sparse(), streamed(), cowd()];

export const sparseCorpus: Corpus = {
  samples: sparses,
  generated: withNumbers(
    sparses,
    [
      [4, 80],
      [1024, 1032],
      [1536, 1552],
      [2048, 2128],
      [2560, 2568],
    ],
    'LE',
  ),
  pieces: ['4b444d56', '434f5744', 'ffffffffffffffff', '0100000000000000'].map((hex) =>
    Buffer.from(hex, 'hex'),
  ),
};

const page = Buffer.alloc(4096, 's');

const seSparses = [
  seSparseExtent(128, new Map([[0, page]])),
  seSparseExtent(
    128,
    new Map<number, Buffer | 'zero' | 'unmapped'>([
      [1, 'zero'],
      [2, page],
      [3, page],
      [9, 'unmapped'],
    ]),
  ),
];

export const seSparseCorpus: Corpus = {
  samples: seSparses,
  generated: withNumbers(
    seSparses,
    [
      [0, 200],
      [512, 552],
      [1024, 1040],
      [5120, 5200],
    ],
    'LE',
  ),
  pieces: [
    'bebafeca00000000',
    'fecafeca00000000',
    '0000000000000030',
    '0000000000000010',
    'ffffffffffffffff',
  ].map((hex) => Buffer.from(hex, 'hex')),
};

const original = {
  path: '/a/b.vmdk',
  file: '1:2',
  size: '65536',
  time: '1700000000000000000',
  cid: 'fffffffe',
};
const part = { at: 0, bytes: 4096, path: '/a/b.vmdk', offset: 0, length: 65_536 };

const anyJson = fc.oneof(
  fc.constantFrom<unknown>(
    0,
    512,
    4096,
    -1,
    1e308,
    null,
    '',
    '/a/b.vmdk',
    '../x',
    '1:2',
    [],
    {},
    part,
    original,
  ),
  fc.integer(),
  fc.string({ maxLength: 6 }),
);
const anyPart = fc.record({ at: anyJson, bytes: anyJson, path: anyJson, offset: anyJson, length: anyJson });
const anyMap = fc.record({
  size: fc.oneof(fc.constant(65_536), anyJson),
  parts: fc.oneof(fc.array(fc.oneof(fc.constant(part), anyPart), { maxLength: 3 }), anyJson),
  originals: fc.oneof(fc.array(fc.oneof(fc.constant(original), anyJson), { maxLength: 3 }), anyJson),
});

/** What maps say of themselves. */
export const mapCorpus: Corpus = {
  generated: anyMap.map((map) => Buffer.from(JSON.stringify(map))),
  samples: [
    { size: 65_536, parts: [part], originals: [original] },
    { size: 512, parts: [part, part], originals: [original, { ...original, cid: null, path: '/a/c.vmdk' }] },
  ].map((map) => Buffer.from(JSON.stringify(map))),
  pieces: [
    '"/etc/passwd"',
    '"../x"',
    '-1',
    '1e308',
    'null',
    '[]',
    '{}',
    '"__proto__"',
    '9007199254740993',
  ].map((text) => Buffer.from(text)),
};
