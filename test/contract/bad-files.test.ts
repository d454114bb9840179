import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Machine, MachineDetails } from '../../src/api/machine.ts';
import { qemuImg } from '../support/qemu-img.ts';
import { refusal } from '../support/refusal.ts';
import { unharmedHome as it, type JoinedHome } from '../support/joined-home.ts';

// No guest boots here. Whatever is refused leaves nothing behind.

/** A directory for the files of one test. */
async function directoryIn(home: JoinedHome): Promise<string> {
  return await mkdtemp(join(home.path, 'files-'));
}

describe('an image', () => {
  it('that is unusable is refused with its path', async ({ home }) => {
    const files = await directoryIn(home);
    const path = (name: string): string => join(files, name);
    await mkdir(path('directory'));
    await writeFile(path('empty.qcow2'), '');
    qemuImg('create', '-q', '-f', 'qcow2', path('whole.qcow2'), '64M');
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

  it('that refers to another file is refused, and that file is named', async ({ home }) => {
    const files = await directoryIn(home);
    const path = (name: string): string => join(files, name);
    qemuImg('create', '-q', '-f', 'qcow2', path('base.qcow2'), '64M');
    qemuImg('create', '-q', '-f', 'qcow2', '-b', path('base.qcow2'), '-F', 'qcow2', path('overlay.qcow2'));
    qemuImg(
      ...['create', '-q', '-f', 'qcow2', '-o', `data_file=${path('data.raw')}`, path('apart.qcow2')],
      '64M',
    );
    const overlay = `${path('overlay.qcow2')} is an overlay on another file, "${path('base.qcow2')}"`;
    const apart = `${path('apart.qcow2')} keeps its data in an external file, "${path('data.raw')}"`;
    expect(await home.kame(['create', 'x', '--image', path('overlay.qcow2')])).toEqual(refusal(1, overlay));
    expect(await home.kame(['create', 'x', '--image', path('apart.qcow2')])).toEqual(refusal(1, apart));
  });

  it('in place of a machine’s disk is refused at the start, with its path', async ({ home }) => {
    const files = await directoryIn(home);
    const path = (name: string): string => join(files, name);
    const disk = join(home.path, 'machines/demo.vmwarevm/disk0.qcow2');
    const good = await readFile(disk);
    qemuImg('create', '-q', '-f', 'qcow2', path('secret.qcow2'), '64M');
    await rm(disk);
    qemuImg('create', '-q', '-f', 'qcow2', '-b', path('secret.qcow2'), '-F', 'qcow2', disk);
    try {
      expect(await home.kame(['start', 'demo'])).toEqual(
        refusal(1, `${disk} has a foreign backing reference: "${path('secret.qcow2')}"`),
      );
    } finally {
      await writeFile(disk, good);
    }
    expect(home.host.running.all()).toEqual([]);
  });
});

describe('a .vmx', () => {
  it('that is binary is not registered', async ({ home }) => {
    const files = await directoryIn(home);
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

  it('that cannot be read is listed as broken with the reason; others keep working', async ({ home }) => {
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
      ['large', /large\.vmx is 2097152 bytes long/],
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
