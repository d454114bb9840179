import { PassThrough } from 'node:stream';
import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { main } from '../../src/cli/vdiskmanager/main.ts';
import { asked, bodies, daemon, result, useDaemon } from './cli-run.ts';
import { demo } from './cli-samples.ts';
import { json, lines, problem } from './cli-support.ts';

useDaemon();

async function run(...argv: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = { stdout: '', stderr: '' };
  stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()));
  stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()));
  const env = { KAME_HOME: daemon.home };
  const code = await main(argv, {
    env,
    cwd: daemon.home,
    stdout,
    stderr,
    daemon: { command: '/no/such/program', args: [] },
  });
  return { code, ...texts };
}

/** A disk in the directory of a machine that the daemon knows. @returns its path */
function machineWithDisk(): { disk: string; route: string } {
  const directory = join(realpathSync(daemon.home), 'm');
  mkdirSync(directory);
  const [disk, vmx] = [join(directory, 'disk0.vmdk'), join(directory, 'm.vmx')];
  writeFileSync(disk, '');
  daemon.on('GET /v1/machines', json([demo, { ...demo, path: vmx }]));
  const route = `/v1/machines/${encodeURIComponent(vmx)}/disks`;
  daemon.on(`GET ${route}`, json([{ slot: 'nvme0:0', path: disk, layers: [{ path: disk }] }]));
  return { disk, route };
}

const slot = encodeURIComponent('nvme0:0');

describe('vmware-vdiskmanager', () => {
  it.each([
    [['-c', '-s', '40960M', '-a', 'lsilogic', '-t', '0', 'new.vmdk'], 40960 * 1024 ** 2],
    [['-c', '-t', '1', '-s', '2GB', '-a', 'nvme', '-q', 'new.vmdk'], 2 * 1024 ** 3],
    [['new.vmdk', '-c', '-s', '4096'], 4096 * 512],
  ])('creates a disk: %j', async (argv, sizeBytes) => {
    daemon.on('POST /v1/disks', json({ path: '', sizeBytes }));
    expect(await run(...argv)).toMatchObject({ code: 0, stdout: 'Virtual disk creation successful.\n' });
    expect(bodies()).toEqual([{ path: join(daemon.home, 'new.vmdk'), sizeBytes }]);
  });

  it('shrinks, defragments, expands and checks the disk of a machine', async () => {
    const { disk, route } = machineWithDisk();
    daemon.on(`POST ${route}/${slot}/compact`, result({}));
    daemon.on(`POST ${route}/${slot}/grow`, result({}));
    daemon.on(`POST ${route}/${slot}/check`, result({ ok: true, layers: [] }));
    expect((await run('-k', disk)).stdout).toBe('Shrink completed successfully.\n');
    expect((await run('-d', 'm/disk0.vmdk')).stdout).toBe('Defragmentation completed successfully.\n');
    expect((await run('-x', '3GB', disk)).stdout).toBe('Disk expansion completed successfully.\n');
    expect((await run('-R', disk)).stdout).toBe('The virtual disk is consistent.\n');
    expect(bodies()).toContainEqual({ sizeBytes: 3 * 1024 ** 3 });
    daemon.on(`POST ${route}/${slot}/check`, result({ ok: false, layers: [] }));
    expect(await run('-e', disk)).toMatchObject({
      code: 1,
      stdout: `Failed to check disk: The files of ${disk} have errors.\n`,
    });
  });

  it('deletes a disk that no machine needs, and nothing else', async () => {
    const { disk } = machineWithDisk();
    daemon.on(`GET /v1/machines/${encodeURIComponent(demo.path)}/disks`, json([]));
    const [unused, other] = [join(daemon.home, 'unused.vmdk'), join(daemon.home, 'letter.vmdk')];
    writeFileSync(unused, Buffer.from('QFI\u00fb\0\0\0\u0003', 'latin1'));
    writeFileSync(other, 'Dear …');
    expect(await run('-U', unused)).toMatchObject({ code: 0, stdout: 'The virtual disk was deleted.\n' });
    expect((await run('-U', disk)).stdout).toBe(`Failed to delete disk: ${disk} is a disk of demo.\n`);
    expect((await run('-U', other)).stdout).toContain('is not a disk that Kame has made');
    expect((await run('-U', '/no/such')).code).toBe(1);
    expect([existsSync(unused), existsSync(disk), existsSync(other)]).toEqual([false, true, true]);
  });

  it.each([
    ['0', 'monolithicSparse'],
    ['1', 'twoGbMaxExtentSparse'],
    ['2', 'monolithicFlat'],
    ['3', 'twoGbMaxExtentFlat'],
    ['4', 'vmfs'],
    ['5', 'streamOptimized'],
    ['6', 'vmfsThin'],
  ])('converts a disk to type %s, %s', async (type, kind) => {
    const home = realpathSync(daemon.home);
    writeFileSync(join(home, 'a.vmdk'), '');
    const report = (done: number) => ({ type: 'progress', progress: { stage: 'x', done, total: 3 } });
    const end = { type: 'result', result: { path: '', sizeBytes: 1, files: [] } };
    daemon.on('POST /v1/disks/convert', lines(report(1), report(1), report(3), end));
    expect(await run('-r', 'a.vmdk', '-t', type, '-a', 'ide', 'b.vmdk')).toEqual({
      code: 0,
      stdout: '\r  Convert: 33% done.\r  Convert: 100% done.\nVirtual disk conversion successful.\n',
      stderr: '',
    });
    const paths = { source: join(home, 'a.vmdk'), path: join(daemon.home, 'b.vmdk') };
    expect(bodies()).toEqual([{ ...paths, kind, adapter: 'ide' }]);
    const { stdout } = await run('-q', '-r', 'a.vmdk', '-t', type, 'b.vmdk');
    expect(stdout).toBe('Virtual disk conversion successful.\n');
    expect(bodies().at(-1)).toMatchObject({ adapter: 'lsilogic' });
  });

  it('renames a disk that no machine needs, and overwrites nothing', async () => {
    const { disk } = machineWithDisk();
    daemon.on(`GET /v1/machines/${encodeURIComponent(demo.path)}/disks`, json([]));
    const [unused, other] = [join(daemon.home, 'unused.vmdk'), join(daemon.home, 'letter.vmdk')];
    writeFileSync(unused, Buffer.from('QFI\u00fb\0\0\0\u0003', 'latin1'));
    writeFileSync(other, 'Dear …');
    expect((await run('-n', unused, other)).stdout).toContain('The file already exists');
    expect((await run('-n', disk, 'new.vmdk')).stdout).toContain('is a disk of demo');
    expect((await run('-n', other, 'new.vmdk')).stdout).toContain('is not a disk that Kame has made');
    expect((await run('-n', unused, 'no/such/new.vmdk')).code).toBe(1);
    expect(await run('-n', unused, 'new.vmdk')).toMatchObject({
      code: 0,
      stdout: 'Rename completed successfully.\n',
    });
    const found = [unused, join(daemon.home, 'new.vmdk'), disk, other].map((path) => existsSync(path));
    expect(found).toEqual([false, true, true, true]);
    expect((await run('-D', other)).stdout).toContain('is not a disk that Kame has made');
    expect((await run('-D', 'new.vmdk')).stdout).toBe('The virtual disk is deletable.\n');
  });

  it('says what failed, and what to do', async () => {
    daemon.on('GET /v1/machines', json([demo]));
    daemon.on('POST /v1/disks', problem(409, 'ALREADY_EXISTS', 'The file already exists: x'));
    expect(await run('-c', '-s', '1GB', 'x')).toEqual({
      code: 1,
      stdout: 'Failed to create disk: The file already exists: x\n',
      stderr: 'vmware-vdiskmanager: Do this.\n',
    });
    expect((await run('-k', '/no/such.vmdk')).stdout).toBe(
      'Failed to shrink disk: /no/such.vmdk does not exist.\n',
    );
    const other = join(realpathSync(daemon.home), 'other.vmdk');
    writeFileSync(other, '');
    expect((await run('-k', other)).stdout).toBe(
      `Failed to shrink disk: ${other} is not the disk of a machine that Kame knows.\n`,
    );
  });

  it.each([
    [[], 'Usage: '],
    [['-c', 'x'], 'Invalid size'],
    [['-c', '-s', '1', 'x'], 'Invalid size'],
    [['-c', '-s', '9000GB', 'x'], 'Invalid size'],
    [['-c', '-s', '1e9', 'x'], 'Invalid size'],
    [['-k'], 'One operation and one disk'],
    [['-k', '-d', 'x'], 'One operation and one disk'],
    [['-k', 'x', 'y'], 'One operation and one disk'],
    [['-k', '--help'], 'One operation and one disk'],
    [['-r', 'a', 'b'], 'a conversion needs -t'],
    [['-r', 'a', '-t', '7', 'b'], 'Invalid disk type: 7'],
    [['-r', 'a', '-t', '0'], 'One operation and two disks'],
    [['-r', '-t', '0', 'b'], 'One operation and two disks'],
    [['-n', 'a'], 'One operation and two disks'],
    [['-p', '/mnt'], '-p is not supported by Kame: run fstrim in the guest'],
  ])('refuses %j before anything is asked', async (argv, text) => {
    const { code, stdout } = await run(...argv);
    expect([code, stdout]).toEqual([1, expect.stringContaining(text)]);
    expect(asked()).toEqual([]);
  });
});
