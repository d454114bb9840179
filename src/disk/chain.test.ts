import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KameError } from '../core/errors.ts';
import { isUnwritten, readChain, type ChainOptions, type Layer } from './chain.ts';
import { createOverlay } from './overlay.ts';

const mebibyte = 1024 * 1024;
const size = 8 * mebibyte;
let root = '';
let bundle = '';
let inside: string[] = [];

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'kame-chain-')));
  bundle = join(root, 'm.vmwarevm');
  mkdirSync(bundle);
  inside = [bundle];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function qemuImg(...args: string[]): string {
  return execFileSync('qemu-img', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function makeBase(path: string): string {
  qemuImg('create', '-q', '-f', 'qcow2', path, String(size));
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 7 1M 1M', path], { stdio: 'ignore' });
  return path;
}

async function overlay(name: string, backing: string, backingFormat: 'qcow2' | 'raw' = 'qcow2') {
  const path = name.startsWith('/') ? name : join(bundle, name);
  await createOverlay({ path, backing, backingFormat, virtualSize: size });
  return path;
}

/** Changes a few bytes of a file. */
function patch(path: string, at: number, bytes: Buffer): void {
  const content = readFileSync(path);
  bytes.copy(content, at);
  writeFileSync(path, content);
}

function flat(layer: Layer): Layer[] {
  return [layer, ...(layer.backing ? flat(layer.backing) : [])];
}

/** Code and message of the refusal. */
async function refusalOf(path: string, options: Partial<ChainOptions> = {}): Promise<string> {
  try {
    await readChain(path, { inside, ...options });
    return 'not refused';
  } catch (error) {
    return error instanceof KameError ? `${error.code}: ${error.message}` : `crashed: ${String(error)}`;
  }
}

describe('readChain', () => {
  it('reads a disk that stands alone, qcow2 or raw', async () => {
    const path = makeBase(join(bundle, 'disk0.qcow2'));
    const layer = { path, format: 'qcow2', virtualSize: size, links: 1, backingName: null, corrupt: false };
    expect(await readChain(path, { inside: [] })).toMatchObject(layer);
    expect(await readChain(path, { inside: [] })).not.toHaveProperty('backing');
    const raw = join(bundle, 'disk1.raw');
    writeFileSync(raw, Buffer.alloc(1000, 'x'));
    expect(await readChain(raw, { inside: [] })).toMatchObject({ format: 'raw', virtualSize: 1024 });
  });

  it('reads layers down to a raw one, with what each takes on the host', async () => {
    const raw = join(bundle, 'disk0.raw');
    writeFileSync(raw, Buffer.alloc(size, 'x'));
    await overlay('disk0-000001.qcow2', 'disk0.raw', 'raw');
    const top = await overlay('disk0-000002.qcow2', 'disk0-000001.qcow2');
    linkSync(raw, join(root, 'another name'));
    const layers = flat(await readChain(top, { inside }));
    expect(layers.map(({ path }) => path)).toEqual([top, join(bundle, 'disk0-000001.qcow2'), raw]);
    expect(layers.map(({ format, links, backingName }) => [format, links, backingName])).toEqual([
      ['qcow2', 1, 'disk0-000001.qcow2'],
      ['qcow2', 1, 'disk0.raw'],
      ['raw', 2, null],
    ]);
    expect(layers.every(({ virtualSize }) => virtualSize === size)).toBe(true);
    expect(layers[2]?.allocatedBytes).toBeGreaterThanOrEqual(size);
    expect(layers[0]?.allocatedBytes).toBeLessThan(mebibyte);
  });

  it('reads 30 layers, as QEMU does, and refuses 257', async () => {
    let below = makeBase(join(bundle, 'disk0.qcow2'));
    for (let index = 1; index <= 256; index += 1) {
      below = await overlay(`disk0-${index}.qcow2`, below.slice(bundle.length + 1));
      if (index !== 30) continue;
      const layers = flat(await readChain(below, { inside }));
      const theirs = qemuImg('info', '--backing-chain', '--output=json', '-f', 'qcow2', below);
      const names = (JSON.parse(theirs) as { filename: string }[]).map(({ filename }) => filename);
      expect(layers.map(({ path }) => path)).toEqual(names);
    }
    const deepest = flat(await readChain(join(bundle, 'disk0-255.qcow2'), { inside, tables: false }));
    expect(deepest).toHaveLength(256);
    expect(await refusalOf(below, { tables: false })).toMatch(/^BAD_IMAGE: .*disk0-256.*256 layers\.$/);
  });

  it('a linked clone: the base lies in the bundle of its parent', async () => {
    const base = makeBase(join(bundle, 'disk0.qcow2'));
    const clone = join(root, 'clone.vmwarevm');
    mkdirSync(clone);
    const top = await overlay(join(clone, 'disk0.qcow2'), base);
    expect((await readChain(top, { inside: [clone, bundle] })).backing?.path).toBe(base);
    expect(await refusalOf(top, { inside: [clone] })).toMatch(
      /^BAD_IMAGE: .*clone.* foreign backing reference: ".*disk0\.qcow2" lies outside of the machine\.$/,
    );
  });

  it('works where the machines lie behind a symbolic link', async () => {
    makeBase(join(bundle, 'disk0.qcow2'));
    const top = await overlay('disk0-000001.qcow2', 'disk0.qcow2');
    const link = join(root, 'link');
    symlinkSync(bundle, link);
    const through = join(link, 'disk0-000001.qcow2');
    const layers = flat(await readChain(through, { inside: [link] }));
    expect(layers.map(({ path }) => path)).toEqual([through, join(bundle, 'disk0.qcow2')]);
    expect(await readChain(top, { inside: [link] })).toHaveProperty('backing');
  });

  it('takes a chain whose lower layer is shorter', async () => {
    const small = join(bundle, 'small.qcow2');
    qemuImg('create', '-q', '-f', 'qcow2', small, '1M');
    const top = await overlay('top.qcow2', 'small.qcow2');
    expect(flat(await readChain(top, { inside })).map((each) => each.virtualSize)).toEqual([size, mebibyte]);
  });

  it('reads headers alone when told so', async () => {
    const base = makeBase(join(bundle, 'disk0.qcow2'));
    const top = await overlay('top.qcow2', 'disk0.qcow2');
    truncateSync(base, readFileSync(base).length - 3 * 65_536);
    expect(flat(await readChain(top, { inside, tables: false }))).toHaveLength(2);
    expect(await refusalOf(top)).toMatch(/^BAD_IMAGE: .*disk0\.qcow2 is truncated.*\.$/);
  });
});

describe('readChain refuses', () => {
  it('what is no disk, as the top', async () => {
    expect(await refusalOf(join(bundle, 'none.qcow2'))).toMatch(/^NO_SUCH_IMAGE: .*none\.qcow2\.$/);
    const iso = Buffer.alloc(64 * 1024);
    iso.write('CD001', 32_769, 'latin1');
    writeFileSync(join(bundle, 'cd.iso'), iso);
    expect(await refusalOf(join(bundle, 'cd.iso'))).toMatch(/^BAD_IMAGE: .*an ISO image.*\.$/);
    writeFileSync(join(bundle, 'x.vmdk'), Buffer.from('KDMV'.padEnd(1024)));
    expect(await refusalOf(join(bundle, 'x.vmdk'))).toMatch(/^BAD_IMAGE: .*a VMDK image.*\.$/);
  });

  it.each([
    '/etc/passwd',
    '/dev/zero',
    '/etc/../etc/passwd',
    '../outside.qcow2',
    '../m.vmwarevm/../outside.qcow2',
    './../outside.qcow2',
    '../m.vmwarevm-2/disk.qcow2',
    'link/outside.qcow2',
    'link/../outside.qcow2',
  ])('the reference %j', async (name) => {
    mkdirSync(join(root, 'm.vmwarevm-2'));
    makeBase(join(root, 'outside.qcow2'));
    copyFileSync(join(root, 'outside.qcow2'), join(root, 'm.vmwarevm-2/disk.qcow2'));
    // Seen by its text alone, `link/../outside.qcow2` would be a file of the bundle, which exists.
    mkdirSync(join(root, 'deep'));
    copyFileSync(join(root, 'outside.qcow2'), join(bundle, 'outside.qcow2'));
    copyFileSync(join(root, 'outside.qcow2'), join(root, 'deep/outside.qcow2'));
    symlinkSync(join(root, 'deep'), join(bundle, 'link'));
    const top = await overlay('top.qcow2', name);
    const refusal = await refusalOf(top);
    expect(refusal).toMatch(/^BAD_IMAGE: .*top\.qcow2 has a foreign backing reference: .* lies outside/);
    expect(refusal).toContain(JSON.stringify(name));
    const wider = await refusalOf(top, { inside: [root] });
    expect(wider === 'not refused').toBe(!name.startsWith('/'));
  });

  it.each(['nbd:localhost:10809', 'json:{"driver":"null-co"}', 'file:disk0.qcow2', 'fat:rw:/etc', ':'])(
    'the protocol %j',
    async (name) => {
      makeBase(join(bundle, 'disk0.qcow2'));
      const top = await overlay('top.qcow2', 'x'.repeat(Buffer.byteLength(name)));
      patch(top, 136, Buffer.from(name));
      expect(await refusalOf(top)).toMatch(
        /^BAD_IMAGE: .*top\.qcow2 has a foreign backing reference.*no file/,
      );
    },
  );

  it.each(['.', '..', 'a/', 'a\0b', 'a/..', '\0', '\u00ff'])('the name %j', async (name) => {
    const top = await overlay('top.qcow2', 'x'.repeat(name.length));
    patch(top, 136, Buffer.from(name, 'latin1'));
    expect(await refusalOf(top)).toMatch(/^BAD_IMAGE: .*top\.qcow2.*\.$/);
  });

  it('a symbolic link, a directory, a pipe and an empty file as a layer', async () => {
    makeBase(join(bundle, 'disk0.qcow2'));
    symlinkSync('disk0.qcow2', join(bundle, 'link.qcow2'));
    mkdirSync(join(bundle, 'directory'));
    execFileSync('mkfifo', [join(bundle, 'pipe')]);
    writeFileSync(join(bundle, 'empty'), '');
    const cases = [
      ['link.qcow2', /symbolic link/],
      ['directory', /directory/],
      ['pipe', /pipe/],
      ['empty', /empty/],
    ] as const;
    for (const [name, reason] of cases) {
      const refusal = await refusalOf(await overlay(`over-${name}`, name, 'raw'));
      expect(refusal).toMatch(reason);
      expect(refusal).toMatch(new RegExp(`^BAD_IMAGE: .*${name}.*over-${name}.*\\.$`));
    }
  });

  it('a layer that is not there, by its name and the name of the one that needs it', async () => {
    await overlay('disk0-000001.qcow2', 'disk0.qcow2');
    const top = await overlay('disk0-000002.qcow2', 'disk0-000001.qcow2');
    expect(await refusalOf(top)).toBe(
      `FILE_ACCESS: ${bundle}/disk0.qcow2 is not there; ${bundle}/disk0-000001.qcow2 is a layer over it and is worthless without it.`,
    );
    await expect(readChain(top, { inside })).rejects.toMatchObject({ next: expect.stringContaining('Put') });
    const far = await overlay('far.qcow2', '/nowhere/at/all/disk0.qcow2');
    expect(await refusalOf(far)).toMatch(
      /^FILE_ACCESS: \/nowhere\/at\/all\/disk0\.qcow2 is not there; .*far/,
    );
  });

  it('a chain that comes back to itself, by name or by a hard link', async () => {
    const self = await overlay('self.qcow2', 'self.qcow2');
    expect(await refusalOf(self)).toMatch(/^BAD_IMAGE: .*self\.qcow2 has itself beneath it.*\.$/);
    await overlay('a.qcow2', 'b.qcow2');
    await overlay('b.qcow2', 'c.qcow2');
    await overlay('c.qcow2', 'a.qcow2');
    const top = await overlay('top.qcow2', 'a.qcow2');
    expect(await refusalOf(top)).toMatch(/^BAD_IMAGE: .*c\.qcow2 has itself beneath it.*"a\.qcow2"\.$/);
    const linked = await overlay('linked.qcow2', 'other.qcow2');
    linkSync(linked, join(bundle, 'other.qcow2'));
    expect(await refusalOf(linked)).toMatch(/^BAD_IMAGE: .*has itself beneath it/);
  });

  it('a format that is not qcow2 or raw, or not what the file is', async () => {
    makeBase(join(bundle, 'disk0.qcow2'));
    writeFileSync(join(bundle, 'disk0.raw'), Buffer.alloc(size, 'x'));
    const wrong = await overlay('wrong.qcow2', 'disk0.qcow2', 'raw');
    expect(await refusalOf(wrong)).toMatch(
      /^BAD_IMAGE: .*wrong\.qcow2 says .*"disk0\.qcow2" is raw, and it is qcow2/,
    );
    const other = await overlay('other.qcow2', 'disk0.raw', 'qcow2');
    expect(await refusalOf(other)).toMatch(
      /^BAD_IMAGE: .*other\.qcow2 says .*"disk0\.raw" is qcow2, and it is not\.$/,
    );
    const vmdk = await overlay('vmdk.qcow2', 'disk0.qcow2');
    patch(vmdk, 120, Buffer.from('vmdk\0'));
    patch(vmdk, 116, Buffer.from([0, 0, 0, 4]));
    expect(await refusalOf(vmdk)).toMatch(/^BAD_IMAGE: .*vmdk\.qcow2 says .* is "vmdk"; only qcow2 and raw/);
  });

  it('a raw layer that is not named raw; a qcow2 one may be unnamed', async () => {
    makeBase(join(bundle, 'disk0.qcow2'));
    writeFileSync(join(bundle, 'disk0.raw'), Buffer.alloc(size, 'x'));
    const silent = async (backing: string): Promise<string> => {
      const path = await overlay(`over-${backing}`, backing);
      // An extension that nobody knows in place of the format.
      patch(path, 112, Buffer.from('12345678', 'hex'));
      return path;
    };
    expect(await refusalOf(await silent('disk0.raw'))).toMatch(
      /^BAD_IMAGE: .*over-disk0\.raw does not say of which format .*"disk0\.raw" is\.$/,
    );
    expect(await refusalOf(await silent('disk0.qcow2'))).toBe('not refused');
  });

  it('a layer with a data file of its own, an encrypted one, and a corrupt top', async () => {
    const outside = join(bundle, 'data.qcow2');
    const option = `data_file=${join(root, 'data')},data_file_raw=on`;
    qemuImg('create', '-q', '-f', 'qcow2', '-o', option, outside, String(size));
    const overData = await overlay('over-data.qcow2', 'data.qcow2');
    expect(await refusalOf(overData)).toMatch(/^BAD_IMAGE: .*data\.qcow2 keeps its data in another file/);
    const base = makeBase(join(bundle, 'disk0.qcow2'));
    const top = await overlay('top.qcow2', 'disk0.qcow2');
    patch(base, 32, Buffer.from([0, 0, 0, 2]));
    expect(await refusalOf(top)).toMatch(/^BAD_IMAGE: .*disk0\.qcow2 is encrypted\.$/);
    patch(top, 72, Buffer.from('0000000000000002', 'hex'));
    expect(await refusalOf(top)).toMatch(/^BAD_IMAGE: .*top\.qcow2 is marked as corrupt/);
    patch(base, 32, Buffer.alloc(4));
    expect(await readChain(top, { inside, tables: false })).toMatchObject({ corrupt: true });
  });

  it('two formats in one header, and extensions that reach into the name', async () => {
    makeBase(join(bundle, 'disk0.qcow2'));
    const long = await overlay('long.qcow2', 'disk0.qcow2');
    patch(long, 116, Buffer.from([0, 0, 0, 200]));
    expect(await refusalOf(long)).toMatch(/^BAD_IMAGE: .*long\.qcow2 is damaged: a header extension/);
    const twice = await overlay('twice.qcow2', 'x'.repeat(40));
    // The second format stands where the name began; the name moves behind it.
    const second = Buffer.from('e2792aca00000003726177000000000000000000000000', 'hex');
    patch(twice, 128, second);
    patch(twice, 8, Buffer.from([0, 0, 0, 0, 0, 0, 0, 160]));
    patch(twice, 160, Buffer.from('disk0.qcow2'));
    patch(twice, 16, Buffer.from([0, 0, 0, 11]));
    expect(await refusalOf(twice)).toMatch(
      /^BAD_IMAGE: .*twice\.qcow2 is damaged: its format of the backing/,
    );
  });
});

describe('a layer that was damaged', () => {
  /** Whatever happens, the answer is a chain inside, or an error that names a file. */
  async function judge(top: string): Promise<void> {
    const verdict = await readChain(top, { inside }).then(
      (chain) => (flat(chain).every(({ path }) => dirname(path) === bundle) ? 'inside' : 'outside'),
      (error: unknown) => (error instanceof KameError ? `${error.code}: ${error.message}` : String(error)),
    );
    expect(verdict).toMatch(/^inside$|^(BAD_IMAGE|FILE_ACCESS|NO_SUCH_IMAGE): .*kame-chain-/);
    const unwritten = await isUnwritten(top).catch((error: unknown) => error instanceof KameError);
    expect(unwritten).toBeTypeOf('boolean');
  }

  it('never crashes the reader and never leads it outside', async () => {
    const base = makeBase(join(bundle, 'disk0.qcow2'));
    const top = await overlay('top.qcow2', 'disk0.qcow2');
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 3 2M 1M', top], { stdio: 'ignore' });
    makeBase(join(root, 'disk0.qcow2'));
    const content = { [base]: readFileSync(base), [top]: readFileSync(top) };
    const flips = fc.array(fc.tuple(fc.nat({ max: 250 }), fc.nat({ max: 255 })), { maxLength: 6 });
    const deepFlips = fc.array(fc.tuple(fc.nat({ max: 5 * 65_536 }), fc.nat({ max: 255 })), { maxLength: 3 });
    const length = fc.option(fc.nat({ max: 2 * mebibyte }));
    const property = fc.asyncProperty(
      fc.constantFrom(base, top),
      flips,
      deepFlips,
      length,
      async (path, near, deep, end) => {
        const bytes = Buffer.from(content[path] ?? '');
        for (const [at, value] of [...near, ...deep]) bytes[at] = value;
        writeFileSync(path, end === null ? bytes : bytes.subarray(0, end));
        await judge(top);
        writeFileSync(path, content[path] ?? '');
      },
    );
    await fc.assert(property, { numRuns: 300 });
    expect(await refusalOf(top)).toBe('not refused');
  });

  it('every cut of the upper layer is found, or loses nothing', async () => {
    makeBase(join(bundle, 'disk0.qcow2'));
    const top = await overlay('top.qcow2', 'disk0.qcow2');
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 3 2M 1M', top], { stdio: 'ignore' });
    const whole = readFileSync(top);
    for (let end = 0; end < whole.length; end += 32_768) {
      writeFileSync(top, whole.subarray(0, end));
      const refusal = await refusalOf(top);
      if (end > whole.length - 65_536) continue;
      expect(refusal).toMatch(/^BAD_IMAGE: .*(truncated|empty)/);
    }
  });

  it('a flipped bit that leads into the middle of a cluster is found', async () => {
    makeBase(join(bundle, 'disk0.qcow2'));
    const top = await overlay('top.qcow2', 'disk0.qcow2');
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 3 0 64k', top], { stdio: 'ignore' });
    const whole = readFileSync(top);
    const l1 = Number(whole.readBigUInt64BE(40));
    const l2 = Number(whole.readBigUInt64BE(l1) & 0x00ff_ffff_ffff_fe00n);
    for (const entry of [l1, l2]) {
      for (const bit of [9n, 15n, 44n, 55n]) {
        const flipped = Buffer.from(whole);
        flipped.writeBigUInt64BE(whole.readBigUInt64BE(entry) ^ (1n << bit), entry);
        writeFileSync(top, flipped);
        expect(await refusalOf(top)).toMatch(/^BAD_IMAGE: .*top\.qcow2 is (damaged|truncated)/);
      }
    }
  });

  it('a layer that vanishes after the look is told as missing', async () => {
    const base = makeBase(join(bundle, 'disk0.qcow2'));
    const top = await overlay('top.qcow2', 'disk0.qcow2');
    renameSync(base, join(root, 'away'));
    expect(await refusalOf(top)).toMatch(/^FILE_ACCESS: .*disk0\.qcow2 is not there/);
  });
});

describe('isUnwritten', () => {
  it('is true until the first write, and false for ever after', async () => {
    makeBase(join(bundle, 'disk0.qcow2'));
    const top = await overlay('top.qcow2', 'disk0.qcow2');
    expect(await isUnwritten(top)).toBe(true);
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'read 0 8M', top], { stdio: 'ignore' });
    expect(await isUnwritten(top)).toBe(true);
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -z 3M 64k', top], { stdio: 'ignore' });
    expect(await isUnwritten(top)).toBe(false);
    expect(await isUnwritten(join(bundle, 'disk0.qcow2'))).toBe(false);
  });

  it('refuses what is no qcow2', async () => {
    const raw = join(bundle, 'x.raw');
    writeFileSync(raw, Buffer.alloc(1024));
    await expect(isUnwritten(raw)).rejects.toMatchObject({ code: 'BAD_IMAGE' });
  });
});
