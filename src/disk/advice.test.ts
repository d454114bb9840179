import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { refused } from '../../test/support/refused.ts';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { silentProgress } from '../core/progress.ts';
import { readChain } from './chain.ts';
import { importDisk } from './import.ts';
import { probeImage } from './probe.ts';

const fresh = useTemporaryDirectory();
let path = '';

beforeEach(() => {
  path = join(fresh(), 'file');
});

function bytes(...parts: readonly (readonly [at: number, text: string])[]): Buffer {
  const all = Buffer.alloc(40 * 1024);
  for (const [at, text] of parts) all.write(text, at, 'latin1');
  return all;
}

const encrypted = bytes(
  [0, 'QFI\u00fb\0\0\0\u0003'],
  [20, '\0\0\0\u0010'],
  [32, '\0\0\0\u0001'],
  [100, '\0\0\0\u0068'],
);
const iso = bytes([32_769, 'CD001']);
const vmdk = bytes([0, 'KDMV']);
const vdi = bytes([64, '\u007f\u0010\u00da\u00be']);
const vhd = bytes([0, 'conectix']);
const gzip = bytes([0, '\u001f\u008b']);
const damaged = Buffer.from('QFI\u00fb');
const empty = Buffer.alloc(0);

/** What a person may ask for with a file. */
const actions = {
  start: async () => await readChain(path, { inside: [] }),
  create: async () => await importDisk({ source: path, target: `${path}.qcow2`, progress: silentProgress() }),
  cd: async () => await probeImage(path, { allowRaw: true, wanted: 'cd' }),
};

describe('the advice for a bad image', () => {
  it.each([
    ['start', 'encrypted qcow2', encrypted, /^Decrypt it at its source, then use the result\.$/],
    ['start', 'ISO', iso, /^Make it a CD: `kame set NAME SLOT\.deviceType=cdrom-image`/],
    ['start', 'VMDK', vmdk, /^Import its machine with `kame import PATH`/],
    ['start', 'VDI', vdi, /^Import its machine with `kame import PATH`/],
    ['start', 'VHD', vhd, /-O qcow2 OLD NEW`, then use NEW instead\.$/],
    ['start', 'damaged qcow2', damaged, /^Replace the file that the message names with an intact copy/],
    ['start', 'empty file', empty, /^Get the file again from its source or a backup\.$/],
    ['create', 'encrypted qcow2', encrypted, /^Decrypt it at its source, then use the result\.$/],
    ['create', 'ISO', iso, /^Attach it as a CD with --iso PATH\.$/],
    ['create', 'VHD', vhd, /-O qcow2 OLD NEW`, then use NEW instead\.$/],
    [
      'create',
      'damaged qcow2',
      damaged,
      /^Replace the file that the message names with an intact copy[^;:]*\.$/,
    ],
    ['create', 'gzip', gzip, /^Unpack it with `gunzip`, then use the image inside\.$/],
    ['cd', 'VHD', vhd, /^Give the image of an installation CD, an ISO\.$/],
    ['cd', 'gzip', gzip, /^Unpack it with `gunzip`, then use the image inside\.$/],
  ] as const)('fits a %s with an %s', async (action, _name, content, next) => {
    writeFileSync(path, content);
    const refusal = await refused(actions[action]());
    expect(refusal.code).toBe('BAD_IMAGE');
    expect(refusal.next).toMatch(next);
  });
});
