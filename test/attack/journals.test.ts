import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { remove } from '../../src/vm/library/delete.ts';
import { register } from '../../src/vm/library/register.ts';
import { adoptAll } from '../../src/vm/recovery/adopt.ts';
import { list } from '../../src/vm/running/describe.ts';
import { refused } from '../support/refused.ts';
import { useWorld } from '../support/world.ts';
import type { WorldMachine } from '../support/world-machine.ts';

const world = useWorld();
let folder = '';

/** Journals that would delete files if they were followed. */
const journals = [
  '{"kind":"clone","identity":null}',
  `{"kind":"clone","identity":null,"nonce":"${'0'.repeat(32)}"}`,
  '{"kind":"disk","files":["letter.txt"],"kept":null}',
  '{"kind":"layer","snapshot":null,"layers":[{"slot":"nvme0:0","from":"a","to":"letter.txt"}],"paused":false}',
  '{"kind":"suspend","checkpoint":"s-00000000","paused":false}',
  '{"kind":"tidy","paused":false}',
];

async function restartDaemon(): Promise<void> {
  await world().replaceHost();
  await world().host.inventory.collectGarbage();
  await adoptAll(world().host);
}

/** The content of a person's folder, with a `.vmx` in it from somebody else. */
function fill(directory: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'letter.txt'), 'mine');
  mkdirSync(join(directory, 'photos'));
  writeFileSync(join(directory, 'photos', 'one.jpg'), 'mine');
  const machine = world().machine('x');
  for (const name of ['disk0.qcow2', 'x.vmx']) renameSync(machine.file(name), join(directory, name));
  renameSync(machine.directory, join(world().home, 'rest'));
}

const content = () => readdirSync(folder, { recursive: true }).map(String).sort();

describe.each(journals)('the foreign journal %s', (journal) => {
  it('beside a loose .vmx deletes nothing, and the machine cannot be changed until it is removed', async () => {
    folder = join(world().home, 'documents');
    fill(folder);
    writeFileSync(join(folder, 'x.operation.json'), journal);
    const before = content();
    const files = ['kernel', 'initrd'].map((name) => join(folder, name));
    await register(world().host, { path: join(folder, 'x.vmx'), allowOutside: files });
    await restartDaemon();
    expect(await refused(world().start('x'))).toMatchObject({ code: 'BROKEN_MACHINE' });
    await restartDaemon();
    expect(content().filter((name) => !name.endsWith('.log'))).toEqual(before);
    expect((await list(world().host)).map(({ name, state }) => [name, state])).toEqual([['x', 'stopped']]);
  });

  it('in a bundle elsewhere deletes nothing', async () => {
    folder = join(world().home, 'elsewhere', 'x.vmwarevm');
    fill(folder);
    writeFileSync(join(folder, 'operation.json'), journal);
    const before = content();
    await register(world().host, { path: folder });
    await restartDaemon();
    expect(await refused(world().start('x'))).toMatchObject({ code: 'BROKEN_MACHINE' });
    expect(content().filter((name) => !name.endsWith('.log'))).toEqual(before);
  });

  it('in a bundle of the home deletes nothing either', async () => {
    const demo = world().machine();
    writeFileSync(demo.file('operation.json'), journal);
    writeFileSync(demo.file('letter.txt'), 'mine');
    await restartDaemon();
    expect(demo.files()).toEqual(expect.arrayContaining(['disk0.qcow2', 'demo.vmx', 'letter.txt']));
  });
});

describe('a deletion', () => {
  let demo: WorldMachine;
  beforeEach(() => (demo = world().machine()));

  it('keeps what is not part of a virtual machine, with the bundle around it', async () => {
    writeFileSync(demo.file('letter.txt'), 'mine');
    mkdirSync(demo.file('checkpoints', '1'), { recursive: true });
    writeFileSync(demo.file('checkpoints', '1', 'photo.jpg'), 'mine');
    const kept = await remove(world().host, 'demo');
    expect(kept).toEqual([demo.file('checkpoints', '1', 'photo.jpg'), demo.file('letter.txt')]);
    expect(demo.files()).toEqual(['checkpoints', 'checkpoints/1', 'checkpoints/1/photo.jpg', 'letter.txt']);
    expect(await list(world().host)).toEqual([]);
    await restartDaemon();
    expect([await list(world().host), existsSync(demo.file('letter.txt'))]).toEqual([[], true]);
  });

  it('leaves no empty directory of its own around what it keeps', async () => {
    writeFileSync(demo.file('letter.txt'), 'mine');
    mkdirSync(demo.file('checkpoints', '1'), { recursive: true });
    writeFileSync(demo.file('checkpoints', '1', 'engine.json'), '{}');
    await remove(world().host, 'demo');
    expect(demo.files()).toEqual(['letter.txt']);
  });

  it('of a loose .vmx keeps what it names as a disk or as EFI variables, unless it really is one', async () => {
    folder = join(world().home, 'documents');
    fill(folder);
    writeFileSync(
      join(folder, 'x.vmx'),
      [
        'config.version = "8"',
        'virtualHW.version = "20"',
        'guestOS = "arm-other6xlinux-64"',
        'displayName = "x"',
        'nvram = "letter.txt"',
        'nvme0.present = "TRUE"',
        'nvme0:0.present = "TRUE"',
        'nvme0:0.fileName = "photos/one.jpg"',
        'nvme0:1.present = "TRUE"',
        'nvme0:1.fileName = "disk0.qcow2"',
        '',
      ].join('\n'),
    );
    const files = ['letter.txt', 'photos/one.jpg'].map((name) => join(folder, name));
    await register(world().host, { path: join(folder, 'x.vmx'), allowOutside: files });
    await remove(world().host, 'x');
    expect(content()).toEqual(['letter.txt', 'photos', 'photos/one.jpg']);
  });
});
