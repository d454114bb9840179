import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { like, refused } from '../../../test/support/refused.ts';
import { cancelAtEachStage } from '../../../test/support/sweep.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { WorldMachine } from '../../../test/support/world-machine.ts';
import type { CreateMachine } from '../../api/machine.ts';
import { silentProgress } from '../../core/progress.ts';
import { list } from '../running/describe.ts';
import { create } from './create.ts';
import { deleteImage, importImageFile, listImages, pull } from './images.ts';

const world = useWorld();
const make = async (body: Omit<CreateMachine, 'name'>, progress = quiet) =>
  await create(world().host, { name: 'demo', ...body }, progress);
const demo = () => new WorldMachine(world().home, 'demo');
const gibibyte = 1024 ** 3;

/** A file that begins as an ISO image does. */
function iso(): string {
  const path = join(world().home, 'install.iso');
  const bytes = Buffer.alloc(64 * 1024);
  bytes.write('\u0001CD001', 32_768);
  writeFileSync(path, bytes);
  return path;
}

describe('create', () => {
  it('makes a machine from the embedded image, which boots without firmware', async () => {
    expect(await make({})).toMatchObject({
      name: 'demo',
      state: 'stopped',
      arch: 'aarch64',
      firmware: 'direct',
      image: 'tiny',
      cpus: 2,
      memoryBytes: gibibyte / 2,
      problems: [],
    });
    expect(demo().files()).toEqual(['demo.vmx', 'disk0.qcow2', 'initrd', 'kernel']);
    expect(demo().read('demo.vmx')).toContain('kame.hostname=demo');
    expect(world().events.at(-1)).toMatchObject({ type: 'machine.created', machine: 'demo' });
    expect((await world().start()).state).toBe('running');
  });

  it('takes sizes, an architecture and settings', async () => {
    const body = { cpus: 1, memoryBytes: 100 * 1024 ** 2, diskBytes: gibibyte, arch: 'x86_64' } as const;
    const made = await make({ ...body, settings: [{ key: 'annotation', value: 'for a test' }] });
    expect(made).toMatchObject({
      cpus: 1,
      memoryBytes: 100 * 1024 ** 2,
      arch: 'x86_64',
      annotation: 'for a test',
    });
    expect(made.disks).toMatchObject([{ slot: 'nvme0:0', sizeBytes: gibibyte }]);
  });

  it('makes one with an empty disk and an installation ISO', async () => {
    const made = await make({ iso: iso(), guestOS: 'arm-debian12-64' });
    expect(made).toMatchObject({ guestOS: 'arm-debian12-64', firmware: 'efi', image: null });
    expect(made.cdroms).toMatchObject([{ path: iso() }]);
    expect(made.disks[0]?.sizeBytes).toBeGreaterThan(gibibyte);
  });

  it('makes one from an image file, with a seed if there are settings for it', async () => {
    const image = world().machine('other').file('disk0.qcow2');
    const made = await make({ image, sshKeys: ['ssh-ed25519 AAAA ada'], user: 'ada' });
    expect([made.disks.length, made.firmware]).toEqual([1, 'efi']);
    expect(demo().files()).toEqual(['demo.vmx', 'disk0.qcow2', 'seed.iso']);
    await create(world().host, { name: 'plain', image }, quiet);
    expect(new WorldMachine(world().home, 'plain').files()).not.toContain('seed.iso');
  });

  it('warns of a user and keys that cannot reach the guest', async () => {
    const { problems } = await make({ user: 'ada' });
    expect(problems).toEqual([
      { severity: 'warning', key: '', message: 'The image tiny has no cloud-init, so --user has no effect.' },
    ]);
    const body = { name: 'box', iso: iso(), sshKeys: ['ssh-ed25519 AAAA ada'], user: 'ada' };
    expect((await create(world().host, body, quiet)).problems).toMatchObject([
      {
        message:
          'An installation ISO does not read a cloud-init seed, so --user and --ssh-key have no effect.',
      },
    ]);
  });

  it('warns about what is odd in a request', async () => {
    const { problems } = await make({ settings: [{ key: 'ethernet0.conectionType', value: 'nat' }] });
    expect(problems).toMatchObject([{ severity: 'warning', key: 'ethernet0.conectionType' }]);
  });

  it.each([
    [{ memoryBytes: 1024 }, 'INVALID_VALUE', /memory/],
    [{ diskBytes: 1 }, 'INVALID_VALUE', /disk/],
    [{ arch: 'x86_64', guestOS: 'arm-debian12-64' }, 'INVALID_VALUE', /arm-debian12-64/],
    [{ guestOS: 'arm-debain12-64' }, 'INVALID_VALUE', /Did you mean arm-debian12-64\?/],
    [{ image: 'nothing' }, 'NO_SUCH_IMAGE', /nothing/],
    [{ user: 'a b' }, 'INVALID_VALUE', /"a b" is not a valid user name/],
    [{ sshKeys: ['garbage'] }, 'INVALID_VALUE', /"garbage" is not a valid SSH public key/],
    [{ iso: '/dev/null' }, 'BAD_IMAGE', /null/],
    [{ settings: [{ key: 'memsize', value: 'x' }] }, 'INVALID_VALUE', /memsize/],
    [{ cpus: 0 }, 'INVALID_VALUE', /cpus/],
  ] as const)('refuses %j before anything is made', async (body, code, message) => {
    expect(await refused(make(body as Omit<CreateMachine, 'name'>))).toMatchObject({
      code,
      message: like(message),
    });
    expect([await list(world().host), existsSync(demo().directory)]).toEqual([[], false]);
  });

  it('refuses a name that is taken, invalid, or being created', async () => {
    world().machine();
    expect((await refused(make({}))).code).toBe('ALREADY_EXISTS');
    expect((await refused(create(world().host, { name: '../x' }, quiet))).code).toBe('INVALID_NAME');
    const about = { key: 'name:new', machine: 'new', verb: 'create' } as const;
    await world().host.operations.exclusive(about, async () => {
      expect((await refused(create(world().host, { name: 'new' }, quiet))).code).toBe('BUSY');
    });
  });

  it('leaves nothing behind when it is cancelled', async () => {
    expect((await refused(make({}, silentProgress(AbortSignal.abort())))).code).toBe('CANCELLED');
    await cancelAtEachStage(
      async (progress) => await make({}, progress),
      async ({ code }) => {
        expect(code).toBe('CANCELLED');
        expect(readdirSync(world().host.names.machines)).toEqual([]);
      },
    );
  });
});

describe('images', () => {
  it('are listed, fetched, imported and removed', async () => {
    expect(await pull(world().host, { image: 'tiny' }, quiet)).toMatchObject({ id: 'tiny', cached: true });
    const disk = world().machine().file('disk0.qcow2');
    await importImageFile(world().host, { path: disk, name: 'mine' }, quiet);
    const images = await listImages(world().host);
    expect(images.filter(({ cached }) => cached).map(({ id }) => id)).toEqual(['tiny', 'mine']);
    expect(await make({ image: 'mine' }).catch((error: Error) => error.message)).toContain('demo');
    const { id } = await importImageFile(world().host, { path: disk }, quiet);
    expect(id).toBe('disk0');
    await deleteImage(world().host, 'mine');
    expect((await listImages(world().host)).map((image) => image.id)).not.toContain('mine');
    expect((await refused(deleteImage(world().host, 'mine'))).code).toBe('NO_SUCH_IMAGE');
  });
});
