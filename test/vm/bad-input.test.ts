import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Machine, MachineDetails } from '../../src/api/machine.ts';
import { useHome, type TestHome } from '../support/home.ts';
import { refusal } from '../support/refusal.ts';

// No guest boots here. Whatever is refused leaves nothing behind.
let home: TestHome;
let files: string;

beforeAll(async () => {
  home = await useHome();
  files = join(home.path, 'files');
  await mkdir(files);
  await home.json('create', 'demo');
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

afterEach(async () => {
  const left = await readdir(join(home.path, 'machines'));
  if (left.join() !== 'demo.vmwarevm') throw new Error(`Something half-made stayed: ${left.join(', ')}`);
});

describe('a name', () => {
  const invalid: readonly (readonly [string, RegExp])[] = [
    ['a/b', /"a\/b" contains "\/", which is not allowed/],
    ['../up', /does not start with a letter or digit/],
    ['..', /does not start with a letter or digit/],
    ['a..b', /contains two dots in a row/],
    ['-dash', /starts with a dash/],
    ['a'.repeat(300), /has 300 characters; at most 80/],
    ['tab\there', /contains a control character/],
    ['bell\u0007', /contains a control character/],
    ['over\u202Eride', /contains a control character/],
    ['', /is empty/],
    ['nul', /device name/],
  ];

  it('is refused with what is wrong with it', async () => {
    for (const [name, message] of invalid)
      expect(await home.kame(['create', '--', name])).toEqual(refusal(2, message));
    expect(await home.kame(['rename', 'demo', '../up'])).toEqual(
      refusal(2, /does not start with a letter or digit/),
    );
    expect(await home.kame(['image', 'import', '/dev/null', '--name', '../up'])).toEqual(
      refusal(2, /does not start with a letter or/),
    );
    const { stderr } = await home.kame(['create', '--json', '--', 'a/b']);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'INVALID_NAME' });
    // Without the two dashes it is taken as an option, and refused as one.
    expect(await home.kame(['create', '-dash'])).toEqual(refusal(2, /Unknown option/));
    // A message never passes on what would act on a terminal.
    expect((await home.kame(['create', '--', 'bell\u0007'])).stderr).not.toContain('\u0007');
  });
});

describe('numbers', () => {
  it.each<readonly [string, string, RegExp]>([
    ['--memory', '1MiB', /memory is 1 MiB; it must be 64 MiB to .*, the memory of this host/],
    ['--memory', '10TiB', /memory is 10 TiB; it must be 64 MiB to .*, the memory of this host/],
    ['--memory', 'lots', /--memory is "lots", which is not a size/],
    ['--memory', '-1GiB', /--memory is "-1GiB", which is not a size/],
    ['--cpus', '0', /--cpus is "0", which is not a whole number from 1/],
    ['--cpus', '1000', /"?1000"?.*whole number from 1/],
    ['--cpus', '33', /"33".*whole number from 1 to 32/],
    ['--disk', '1KiB', /disk is 1 KiB; it must be 1 MiB to 64 TiB/],
    ['--disk', '65TiB', /disk is 65 TiB; it must be 1 MiB to 64 TiB/],
    ['--disk', '0', /--disk|disk is 0/],
    ['--disk', '10MiB', /cannot be shrunk to 10 MiB/],
  ])('%s %s is refused', async (option, value, message) => {
    expect(await home.kame(['create', 'x', option, value])).toEqual(refusal(2, message));
  });
});

describe('an image', () => {
  const path = (name: string): string => join(files, name);
  const qemuImg = async (...args: string[]) => await execa('qemu-img', args);

  it('of no use is refused by its path', async () => {
    await mkdir(path('directory'));
    await writeFile(path('empty.qcow2'), '');
    await qemuImg('create', '-q', '-f', 'qcow2', path('whole.qcow2'), '64M');
    const whole = await readFile(path('whole.qcow2'));
    await writeFile(path('cut.qcow2'), whole.subarray(0, whole.length / 2));
    await writeFile(path('header.qcow2'), whole.subarray(0, 60));
    await writeFile(path('noise.img'), randomBytes(100_000).fill(0, 510, 512));
    const refused: readonly (readonly [string, RegExp])[] = [
      ['directory', /directory is a directory/],
      ['empty.qcow2', /empty\.qcow2 is empty/],
      ['cut.qcow2', /cut\.qcow2 is truncated/],
      ['header.qcow2', /header\.qcow2 is truncated/],
      ['noise.img', /noise\.img has an unknown format/],
      ['nowhere.img', /nowhere\.img does not exist/],
    ];
    for (const [name, message] of refused) {
      expect(await home.kame(['create', 'x', '--image', path(name)])).toEqual(refusal(1, message));
      expect(await home.kame(['image', 'import', path(name)])).toEqual(refusal(1, message));
    }
    expect(await home.kame(['create', 'x', '--iso', path('noise.img')])).toEqual(
      refusal(1, /noise\.img is not an ISO image/),
    );
    expect(await home.kame(['create', 'x', '--image', 'debain-12'])).toEqual(
      refusal(1, /There is no image "debain-12"/),
    );
  });

  it('that refers to another file is refused, and that file is named', async () => {
    await qemuImg('create', '-q', '-f', 'qcow2', path('base.qcow2'), '64M');
    await qemuImg(
      'create',
      '-q',
      '-f',
      'qcow2',
      '-b',
      path('base.qcow2'),
      '-F',
      'qcow2',
      path('overlay.qcow2'),
    );
    await qemuImg(
      ...['create', '-q', '-f', 'qcow2', '-o', `data_file=${path('data.raw')}`, path('apart.qcow2')],
      '64M',
    );
    const overlay = `${path('overlay.qcow2')} is an overlay on another file, "${path('base.qcow2')}"`;
    const apart = `${path('apart.qcow2')} keeps its data in an external file, "${path('data.raw')}"`;
    expect(await home.kame(['create', 'x', '--image', path('overlay.qcow2')])).toEqual(refusal(1, overlay));
    expect(await home.kame(['create', 'x', '--image', path('apart.qcow2')])).toEqual(refusal(1, apart));
  });

  it('put in place of a machine’s disk is refused at the start, by its path', async () => {
    const disk = join(home.path, 'machines/demo.vmwarevm/disk0.qcow2');
    const good = await readFile(disk);
    await qemuImg('create', '-q', '-f', 'qcow2', path('secret.qcow2'), '64M');
    await rm(disk);
    await qemuImg('create', '-q', '-f', 'qcow2', '-b', path('secret.qcow2'), '-F', 'qcow2', disk);
    try {
      expect(await home.kame(['start', 'demo'])).toEqual(
        refusal(1, `${disk} has a foreign backing reference: "${path('secret.qcow2')}"`),
      );
    } finally {
      await writeFile(disk, good);
    }
    expect(await home.engines()).toEqual([]);
  });
});

describe('a .vmx', () => {
  it('that is binary is not registered', async () => {
    const vmx = join(files, 'binary.vmx');
    await writeFile(vmx, Buffer.concat([Buffer.from('displayName = "x"\n'), Buffer.from([0, 1, 2, 255, 0])]));
    expect(await home.kame(['register', vmx])).toEqual(
      refusal(4, `${vmx} is not a configuration file: it is binary`),
    );
    expect(await home.kame(['register', join(files, 'nowhere.vmx')])).toEqual(
      refusal(1, /nowhere\.vmx does not exist/),
    );
    expect(await home.kame(['register', files])).toEqual(refusal(2, /neither a \.vmx file nor a/));
    expect((await home.json<Machine[]>('list')).map(({ name }) => name)).toEqual(['demo']);
  });

  it('that can’t be read is listed as broken with the reason; others go on', async () => {
    const bundle = (name: string) => join(home.path, 'machines', `${name}.vmwarevm`);
    await mkdir(bundle('binary'));
    await writeFile(join(bundle('binary'), 'binary.vmx'), Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0]));
    await mkdir(bundle('gone'));
    await mkdir(bundle('large'));
    await writeFile(join(bundle('large'), 'large.vmx'), '# '.padEnd(2 * 1024 * 1024, 'x'));
    const states = (await home.json<Machine[]>('list')).map(({ name, state }) => `${name} ${state}`);
    expect(states).toEqual(['binary broken', 'demo stopped', 'gone broken', 'large broken']);
    const reasons: readonly (readonly [string, RegExp])[] = [
      ['binary', /binary\.vmx is not a configuration file: it is binary/],
      ['gone', /gone\.vmx is not there/],
      ['large', /large\.vmx has 2097152 bytes/],
    ];
    for (const [name, reason] of reasons) {
      const { problems } = await home.json<MachineDetails>('show', name);
      expect(problems).toMatchObject([
        { severity: 'error', message: expect.stringMatching(reason) as string },
      ]);
      expect(await home.kame(['start', name])).toEqual(refusal(4, reason));
      expect(await home.kame(['set', name, 'cpus=1'])).toEqual(refusal(4, reason));
      await home.json('delete', name, '--yes');
    }
  });
});

describe('a download with another checksum', () => {
  let server: Server;
  let origin: string;

  beforeAll(async () => {
    server = createServer((_request, response) => response.end(randomBytes(300_000)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => server.close());

  /** All that lies in images/, without the tiny images and empty directories. */
  async function cached(): Promise<string[]> {
    const entries = await readdir(join(home.path, 'images'), { withFileTypes: true, recursive: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  }

  it('is discarded, by URL and by catalogue', async () => {
    const wrong = 'ab'.repeat(32);
    const message = /disk\.img has the sha256 [0-9a-f]{64}, but (ab){32} was expected/;
    expect(await home.kame(['create', 'x', '--image', `${origin}/disk.img#sha256=${wrong}`])).toEqual(
      refusal(1, message),
    );
    expect(await cached()).toEqual([]);
    const entry = { id: 'mine', arch: 'aarch64', url: `${origin}/disk.img`, checksum: `sha256=${wrong}` };
    await writeFile(join(home.path, 'catalogue.json'), JSON.stringify({ images: [entry] }));
    expect(await home.kame(['create', 'x', '--image', 'mine'])).toEqual(refusal(1, message));
    expect(await home.kame(['image', 'pull', 'mine'])).toEqual(refusal(1, message));
    expect(await cached()).toEqual([]);
  });

  it('or an invalid catalogue: the problem is named', async () => {
    const catalogue = join(home.path, 'catalogue.json');
    await writeFile(catalogue, '{"images": [{"id": "mine"}]}');
    expect(await home.kame(['create', 'x', '--image', 'mine'])).toEqual(
      refusal(2, `${catalogue} is invalid at images.0`),
    );
    await writeFile(catalogue, '{');
    expect(await home.kame(['create', 'x', '--image', 'mine'])).toEqual(
      refusal(2, `${catalogue} is not valid JSON`),
    );
    await rm(catalogue);
    expect(await home.kame(['create', 'x', '--image', `${origin}/a.img#md5=abc`])).toEqual(
      refusal(2, /"#md5=abc" is not a valid checksum/),
    );
    expect(await home.kame(['create', 'x', '--image', 'ftp://127.0.0.1/a.img'])).toEqual(refusal(1, /ftp/));
  });
});

describe('kame set', () => {
  it.each<readonly [string, RegExp]>([
    ['cpu=4', /"cpu" is not a setting\. Did you mean cpus\?/],
    ['numvcpu=4', /"numvcpu" is not a setting\. Did you mean numvcpus\?/],
    ['firmwar=efi', /Did you mean firmware\?/],
    ['memory=2', /memory is "2", without a unit/],
    ['memory=1MiB', /memsize is "1"; it must be a multiple of 4 from 64/],
    ['memory=10TiB', /memsize is "10485760"; it must be/],
    ['cpus=0', /numvcpus is "0"; it must be a whole number from 1 to 32/],
    ['cpus=two', /cpus is "two"; it must be 1 to 32/],
    ['accelerator=kvmm', /accelerator is "kvmm"; it must be auto, kvm, hvf or tcg/],
    ['firmware=bios', /firmware is "bios"; it must be efi for an ARM guest/],
    ['kame.boot.commandLine=a\nb', /kame\.boot\.commandLine/],
    ['uuid.bios=00', /uuid\.bios cannot be set: it is the machine’s identity/],
    ['displayName=x', /displayName can’t be set.*kame rename/],
    ['__proto__=x', /"__proto__" is not a setting/],
    ['nonsense', /not of the form key=value/],
    ['=5', /not of the form key=value/],
  ])('%j is refused, and nothing is changed', async (pair, message) => {
    const { path } = await home.json<MachineDetails>('show', 'demo');
    const before = await readFile(path);
    expect(await home.kame(['set', 'demo', 'notes=changed', pair])).toEqual(refusal(2, message));
    expect(await readFile(path)).toEqual(before);
  });

  it('sets a key that nobody knows, and tells which one was perhaps meant', async () => {
    const { problems } = await home.json<MachineDetails>('set', 'demo', 'ethernet0.conectionType=nat');
    expect(problems).toContainEqual({
      severity: 'warning',
      key: 'ethernet0.conectionType',
      message: 'ethernet0.conectionType is not a known key. Did you mean ethernet0.connectionType?',
    });
    await home.json('set', 'demo', 'ethernet0.conectionType=');
  });
});

describe('words that nobody knows', () => {
  it.each<readonly [readonly string[], number, RegExp]>([
    [['start', 'dmo'], 3, /There is no machine dmo\. Did you mean demo\?/],
    [['show', 'nothing-like-it'], 3, /There is no machine nothing-like-it\.\n/],
    [['exec', 'dmo', '--', 'true'], 3, /Did you mean demo\?/],
    [['delete', 'dmo', '--yes'], 3, /Did you mean demo\?/],
    [['strat', 'demo'], 2, /Did you mean start\?/],
    [['frobnicate'], 2, /Unknown command 'frobnicate'/],
    [['list', '--jsn'], 2, /Did you mean --json\?/],
    [['show'], 2, /Missing required argument/],
    [['start', 'demo', '--wait', 'forever'], 2, /forever/],
    [['create', 'x', '--arch', 'sparc'], 2, /sparc/],
  ])('%j ends with %i', async (args, code, message) => {
    expect(await home.kame(args)).toEqual(refusal(code, message));
  });

  it('a stopped machine is not stopped again', async () => {
    expect(await home.kame(['stop', 'demo'])).toEqual(refusal(4, /demo is not running: it is stopped/));
    expect(await home.kame(['pause', 'demo'])).toEqual(refusal(4, /demo is not running/));
    expect(await home.kame(['exec', 'demo', '--', 'true'])).toEqual(refusal(4, /demo is not running/));
    expect(await home.kame(['screenshot', 'demo', join(files, 'x.png')])).toEqual(
      refusal(4, /demo is not running/),
    );
  });
});
