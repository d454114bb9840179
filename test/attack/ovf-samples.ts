import fc from 'fast-check';
import { manifestOf, ovf } from '../support/ova.ts';
import { streamParts, streamVmdk } from '../support/stream-vmdk.ts';
import { textOf, withNumbers, wordsOf, type NumberRange } from './generated.ts';
import type { Corpus } from './mutation.ts';

const rich = ovf({
  file: 'ovf:size="9000" ovf:chunkSize="1000" ovf:compression="gzip"',
  sections:
    '<DeploymentOptionSection><Info>x</Info><Configuration ovf:id="small" ovf:default="true"/></DeploymentOptionSection>',
  system:
    '<EulaSection><Info>x</Info><License>L</License></EulaSection><ProductSection><Info>p</Info><Property ovf:key="a" ovf:value="1"/></ProductSection>',
  hardware:
    '<vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/><Item ovf:configuration="small"><rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>1024</rasd:VirtualQuantity></Item>',
});

const words = (...texts: readonly string[]) => texts.map((text) => Buffer.from(text));

const rasd = [
  'ResourceType',
  'InstanceID',
  'Parent',
  'Address',
  'AddressOnParent',
  'VirtualQuantity',
  'Connection',
];
const rasdValues = [
  '1',
  '3',
  '4',
  '5',
  '6',
  '10',
  '15',
  '17',
  '20',
  '23',
  '32767',
  '-1',
  '1e9',
  'VM Network',
  'x',
];
const anyItem = fc
  .array(fc.tuple(fc.constantFrom(...rasd), fc.constantFrom(...rasdValues)), { maxLength: 6 })
  .map(
    (pairs) => `<Item>${pairs.map(([key, value]) => `<rasd:${key}>${value}</rasd:${key}>`).join('')}</Item>`,
  );
const markup = [
  ...['<Item>', '</Item>', '<![CDATA[', ']]>', '&lt;', '&a;', '<!--', '-->', '<a b="c"/>', '${a}'],
  ...['<EulaSection>', '</EulaSection>', '<vmw:Config vmw:key="firmware" vmw:value="efi"/>'],
];

/** Small appliances with any hardware, and any markup in their sections. */
const anyOvf = fc
  .record({
    file: wordsOf(['ovf:size="1"', 'ovf:chunkSize="1"', 'ovf:compression="gzip"', 'ovf:size="-1"'], ' ', 2),
    capacity: fc.constantFrom('512', '1', '-1', '9007199254740993', 'x'),
    osType: fc.constantFrom('debian12_64Guest', 'windows9_64Guest', 'x'),
    items: fc.array(anyItem, { maxLength: 4 }),
    system: wordsOf(markup, '', 3),
  })
  .map(({ file, capacity, osType, items, system }) =>
    Buffer.from(`<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="r" xmlns:vmw="v">
<References><File ovf:id="f" ovf:href="d.vmdk" ${file}/></References>
<DiskSection><Info/><Disk ovf:diskId="d" ovf:fileRef="f" ovf:capacity="${capacity}"/></DiskSection>
<VirtualSystem ovf:id="a"><Info/><OperatingSystemSection ovf:id="96" vmw:osType="${osType}"/>
<VirtualHardwareSection><Info/>${items.join('')}</VirtualHardwareSection>${system}</VirtualSystem></Envelope>`),
  );

export const ovfCorpus: Corpus = {
  generated: anyOvf,
  samples: words(ovf(), rich),
  pieces: words(
    '<!DOCTYPE x [<!ENTITY a "b">]>',
    '&a;',
    '&#x0;',
    '<![CDATA[',
    ']]>',
    '<?x ?>',
    'xmlns:ovf="x"',
    '${a}',
    '<Item>',
    '</Item>',
    'ovf:/disk/vmdisk1',
    '../',
    '"',
    '>',
  ),
};

const manifestWords = [
  'SHA1',
  'SHA256',
  'SHA512',
  'MD5',
  '(',
  ')',
  '=',
  ' ',
  'a'.repeat(64),
  'b'.repeat(40),
  'web.ovf',
];

export const manifestCorpus: Corpus = {
  generated: textOf(
    fc.oneof(wordsOf(manifestWords, '', 7), fc.constant(`SHA256(web.ovf)= ${'a'.repeat(64)}`)),
  ),
  samples: [
    manifestOf([{ name: 'web.ovf', content: Buffer.from('a') }]),
    manifestOf([{ name: 'a (b).vmdk', content: Buffer.from('b') }], 'sha1'),
  ],
  pieces: words('SHA512(', ')=', '\n', ' ', '('),
};

/** The beginnings of all sectors behind the header and the descriptor: markers, grains and tables. */
function markersOf(bytes: Buffer): NumberRange[] {
  return Array.from({ length: bytes.length / 512 - 2 }, (_none, index) => {
    const at = (index + 2) * 512;
    return [at, at + 20];
  });
}

/** A disk of 16 KiB in grains of 4 KiB, so that little must be inflated, with its tables behind them. */
const stream = streamVmdk(
  streamParts(
    32,
    new Map([
      [1, Buffer.alloc(4096, 'a')],
      [3, Buffer.alloc(4096, 'b')],
    ]),
    8,
  ),
);

export const streamCorpus: Corpus = {
  samples: [stream],
  generated: withNumbers([stream], [[4, 80], ...markersOf(stream)], 'LE'),
  pieces: [
    ...words('KDMV'),
    Buffer.alloc(512),
    Buffer.from('ffffffffffffffff', 'hex'),
    Buffer.from('01000000', 'hex'),
  ],
};
