import { manifestOf, ovf } from '../support/ova.ts';
import { streamParts, streamVmdk } from '../support/stream-vmdk.ts';
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

export const ovfCorpus: Corpus = {
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

export const manifestCorpus: Corpus = {
  samples: [
    manifestOf([{ name: 'web.ovf', content: Buffer.from('a') }]),
    manifestOf([{ name: 'a (b).vmdk', content: Buffer.from('b') }], 'sha1'),
  ],
  pieces: words('SHA512(', ')=', '\n', ' ', '('),
};

/** A disk of 256 KiB in grains of 64 KiB, with its tables behind them. */
export const streamCorpus: Corpus = {
  samples: [
    streamVmdk(
      streamParts(
        512,
        new Map([
          [1, Buffer.alloc(64 * 1024, 'a')],
          [3, Buffer.alloc(64 * 1024, 'b')],
        ]),
      ),
    ),
  ],
  pieces: [
    ...words('KDMV'),
    Buffer.alloc(512),
    Buffer.from('ffffffffffffffff', 'hex'),
    Buffer.from('01000000', 'hex'),
  ],
};
