import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { descriptor, disk, manifest, text, useAppliances, vmdk } from '../../../test/support/appliances.ts';
import { manifestOf, ovf, tarHeader, tarOf, type OvaFile } from '../../../test/support/ova.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet } from '../../../test/support/world.ts';
import { importMachine } from './import.ts';

const { world, machinesMade, place, refusal } = useAppliances();

describe('an appliance is refused', () => {
  const swapped = (from: string, to: string): OvaFile => text('web.ovf', ovf().replace(from, to));
  const lying = manifestOf([descriptor(), { ...disk, content: Buffer.from('other') }]);

  it.each<[string, readonly OvaFile[], RegExp]>([
    [
      'whose manifest lies',
      [descriptor(), disk, { name: 'web.mf', content: lying }],
      /"web-disk1.vmdk" .* does not fit/,
    ],
    [
      'whose manifest lies before the disk',
      [descriptor(), { name: 'web.mf', content: lying }, disk],
      /does not fit/,
    ],
    [
      'whose manifest has more files',
      [descriptor(), disk, manifest([descriptor(), disk, text('x', '')])],
      /"x" .* is missing/,
    ],
    ['without its descriptor first', [disk, descriptor()], /begins with "web-disk1.vmdk"/],
    ['that is empty', [], /is empty/],
    ['without its disk', [descriptor(), text('readme', '')], /lacks the file "web-disk1.vmdk"/],
    ['with two files of one name', [descriptor(), disk, disk], /two files with the name "web-disk1.vmdk"/],
    [
      'with a file in a directory',
      [descriptor(), { ...disk, name: 'a/web-disk1.vmdk' }],
      /is in a directory/,
    ],
    [
      'that refers to a path',
      [swapped('web-disk1.vmdk', '../web-disk1.vmdk'), disk],
      /not a plain file name/,
    ],
    ['that refers to /etc/passwd', [swapped('web-disk1.vmdk', '/etc/passwd'), disk], /not a plain file name/],
    [
      'that refers to a URL',
      [swapped('web-disk1.vmdk', 'http://example.org/a.vmdk'), disk],
      /not a plain file name/,
    ],
    ['that refers to json:', [swapped('web-disk1.vmdk', 'json:{}'), disk], /not a plain file name/],
    [
      'that requires an unknown section',
      [descriptor({ system: '<OddSection><Info>x</Info></OddSection>' }), disk],
      /requires the section OddSection/,
    ],
    [
      'that requires an unknown setting',
      [descriptor({ hardware: '<vmw:Config ovf:required="true" vmw:key="odd" vmw:value="1"/>' }), disk],
      /requires the setting "odd"/,
    ],
    [
      'with several machines',
      [swapped('<VirtualSystem ', '<VirtualSystem ovf:id="b"/><VirtualSystem '), disk],
      /describes 2 machines/,
    ],
    [
      'whose disk is a delta',
      [descriptor({ disk: 'ovf:parentRef="vmdisk0"' }), disk],
      /changes to another disk/,
    ],
    [
      'whose disk is no VMDK',
      [descriptor(), { ...disk, content: Buffer.alloc(4096, 'x') }],
      /is not a sparse VMDK/,
    ],
    ['whose disk is truncated', [descriptor(), { ...disk, content: vmdk.subarray(0, 2048) }], /is truncated/],
    [
      'whose file expands too much',
      [
        descriptor({ capacity: 512, file: 'ovf:compression="gzip"' }),
        { ...disk, content: gzipSync(Buffer.concat([vmdk, Buffer.alloc(80 * 1024 * 1024)])) },
      ],
      /expands to more than/,
    ],
    [
      'whose compressed file is damaged',
      [descriptor({ file: 'ovf:compression="gzip"' }), disk],
      /cannot be decompressed/,
    ],
    [
      'of version 0.9',
      [
        swapped('http://schemas.dmtf.org/ovf/envelope/1', 'http://www.vmware.com/schema/ovf/1/envelope'),
        disk,
      ],
      /not an OVF descriptor of version/,
    ],
    [
      'that declares entities',
      [swapped('<Envelope', '<!DOCTYPE x [<!ENTITY a "b">]><Envelope'), disk],
      /declares a document type/,
    ],
  ])('%s', async (_what, files, message) => {
    expect(await refusal(files)).toMatchObject({ message: like(message) });
  });

  it('whose file beside its descriptor is a link', async () => {
    const path = place('web.ovf', descriptor().content);
    writeFileSync(join(world().home, 'secret'), vmdk);
    symlinkSync(join(world().home, 'secret'), join(world().home, 'old', disk.name));
    expect(await refused(importMachine(world().host, { path }, quiet))).toMatchObject({
      message: like(/symbolic link/),
    });
  });

  it('with a network that it, or this host, does not have', async () => {
    expect(await refusal([descriptor(), disk], { networks: { 'VM Network': 'gone' } })).toMatchObject({
      code: 'NO_SUCH_NETWORK',
      message: like(/no network gone/),
    });
    expect(await refusal([descriptor(), disk], { networks: { LAN: 'nat' } })).toMatchObject({
      code: 'INVALID_VALUE',
      next: like(/"VM Network"/),
    });
  });

  it.each([
    ['an absolute path', '/etc/passwd', 'file', /path "\/etc\/passwd", which is not allowed/],
    ['a path above it', '../x', 'file', /path "..\/x", which is not allowed/],
    ['a symbolic link', 'web-disk1.vmdk', 'symlink', /is not a plain file/],
    ['a hard link', 'web-disk1.vmdk', 'link', /path "\/etc\/passwd", which is not allowed/],
    ['a directory', 'web-disk1.vmdk', 'directory', /is not a plain file/],
  ] as const)('whose archive has %s', async (_what, path, type, message) => {
    const archive = Buffer.concat([
      tarOf([descriptor()]).subarray(0, -1024),
      tarHeader(path, type),
      Buffer.alloc(1024),
    ]);
    const ova = place('web.ova', archive);
    expect(await refused(importMachine(world().host, { path: ova }, quiet))).toMatchObject({
      message: like(message),
    });
    expect(machinesMade()).toEqual([]);
  });
});
