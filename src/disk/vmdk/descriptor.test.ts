import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyText } from '../../../test/support/any-text.ts';
import { head } from '../../../test/support/vmdk.ts';
import { KameError } from '../../core/errors.ts';
import { parseDescriptor } from './descriptor.ts';

function outcomeOf(work: () => unknown): string {
  try {
    return String(work());
  } catch (error) {
    return error instanceof KameError ? error.code : `NOT A KAME ERROR ${String(error)}`;
  }
}

describe('a VMDK descriptor', () => {
  it('is read whatever the case of its keys, its line ends and padding', () => {
    const text =
      '# Disk DescriptorFile\r\nVersion = 1\r\nparentcid = FFFFFFFF\r\nCREATETYPE = "vmfs"\r\nRW 4192256 VMFS "a b-flat.vmdk"\r\nNOACCESS 8 ZERO\r\nddb.adapterType = "lsilogic"\r\n';
    const bytes = Buffer.concat([Buffer.from(text), Buffer.alloc(300)]);
    expect(parseDescriptor('x.vmdk', bytes)).toEqual({
      cid: '',
      createType: 'vmfs',
      extents: [
        { kind: 'flat', sectors: 4_192_256, file: 'a b-flat.vmdk', offset: 0 },
        { kind: 'zero', sectors: 8, offset: 0 },
      ],
    });
  });

  it.each([
    ['an absolute extent', 'RW 8 FLAT "/etc/passwd" 0', /"\/etc\/passwd"/],
    ['an extent above it', 'RW 8 FLAT "../secret" 0', /"\.\.\/secret"/],
    ['an extent named ..', 'RW 8 FLAT ".." 0', /"\.\."/],
    ['a Windows path', 'RW 8 FLAT "C:\\secret" 0', /secret/],
    ['an extent without name', 'RW 8 FLAT', /without a file name/],
    ['a physical disk', 'RW 8 VMFSRDM "a"', /VMFSRDM/],
    ['nonsense', 'RW many FLAT "a" 0', /malformed/],
    ['more than 64 TiB', 'RW 999999999999999 FLAT "a" 0', /64 TiB/],
    ['no sectors', 'RW 0 FLAT "a" 0', /no extents/],
    ['no extents', '', /no extents/],
    [
      'a parent elsewhere',
      'parentCID=deadbeef\nparentFileNameHint="/base.vmdk"\nRW 8 SPARSE "a"',
      /has the parent "\/base\.vmdk", which is not a plain file name/,
    ],
    ['a parent without a name', 'parentCID=deadbeef\nRW 8 SPARSE "a"', /which it does not name/],
    [
      'a parent and a flat extent',
      'parentCID=deadbeef\nparentFileNameHint="b"\nRW 8 FLAT "a" 0',
      /no place for it/,
    ],
    [
      'a key to decrypt it',
      'encryptionKeys="vmware:key/list/x"\nRW 8 FLAT "a" 0',
      /^x\.vmdk is encrypted\.$/,
    ],
    ['a key in other letters', 'EncryptionKeys = "x"\nparentCID=1\nRW 8 FLAT "a" 0', /is encrypted/],
    ['an unknown encoding', 'encoding="klingon"\nRW 8 FLAT "a" 0', /encoding "klingon", which is unknown/],
    ['a physical disk type', 'createType="fullDevice"\nRW 8 FLAT "a" 0', /physical disk \(fullDevice\)/],
  ])('with %s is rejected', (_name, lines, message) => {
    expect(() => parseDescriptor('x.vmdk', Buffer.from(`${head}${lines}\n`))).toThrow(message);
  });

  it.each([
    ['windows-1252', [0x44, 0xe9, 0x70, 0xf4, 0x74], 'Dépôt'],
    ['UTF-8', [0x44, 0xc3, 0xa9], 'Dé'],
    ['Shift_JIS', [0x83, 0x5c], 'ソ'],
    ['GBK', [0xb4, 0xc5], '磁'],
    [undefined, [0x44, 0xc3, 0xa9], 'Dé'],
    [undefined, [0x44, 0xe9], 'Dé'],
  ])('in %s has the names that VMware wrote', (encoding, name, text) => {
    const declared = encoding === undefined ? '' : `encoding="${encoding}"\n`;
    const bytes = Buffer.concat([
      Buffer.from(`${head}${declared}RW 8 FLAT "`),
      Buffer.from(name),
      Buffer.from('-flat.vmdk" 0\n'),
    ]);
    expect(parseDescriptor('x.vmdk', bytes).extents[0]?.file).toBe(`${text}-flat.vmdk`);
  });

  it('with bytes that are not valid in its encoding is rejected', () => {
    const bytes = Buffer.from(`${head}encoding="UTF-8"\nRW 8 FLAT "D\u00e9" 0\n`, 'latin1');
    expect(() => parseDescriptor('x.vmdk', bytes)).toThrow(
      'has a line that is not valid UTF-8: "RW 8 FLAT \\"D\ufffd',
    );
  });

  it('of any bytes is read or rejected with a KameError', () => {
    const line = fc.oneof(
      anyText(),
      fc.constantFrom(
        'RW 8 FLAT "a" 0',
        'parentCID=ffffffff',
        'createType="x"',
        '__proto__=1',
        'RW -1 ZERO',
        'RW 1 ZERO',
      ),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        expect(outcomeOf(() => parseDescriptor('x', Buffer.from(lines.join('\n'))).extents.length)).toMatch(
          /^(BAD_IMAGE|[1-9]\d*)$/,
        );
      }),
    );
  });
});
