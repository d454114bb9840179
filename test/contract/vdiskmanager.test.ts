import { PassThrough } from 'node:stream';
import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { main } from '../../src/cli/vdiskmanager/main.ts';
import { asked, bodies, daemon, result, useDaemon } from './cli-run.ts';
import { demo } from './cli-samples.ts';
import { json, problem } from './cli-support.ts';

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

  it('says what failed, and what to do', async () => {
    daemon.on('GET /v1/machines', json([demo]));
    daemon.on('POST /v1/disks', problem(409, 'ALREADY_EXISTS', 'The file already exists: x'));
    expect(await run('-c', '-s', '1GB', 'x')).toEqual({
      code: 1,
      stdout: 'Failed to create disk: The file already exists: x\n',
      stderr: 'vmware-vdiskmanager: Do this.\n',
    });
    const { stdout } = await run('-k', '/no/such.vmdk');
    expect(stdout).toBe(
      'Failed to shrink disk: /no/such.vmdk is not the disk of a machine that Kame knows.\n',
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
    [['-r', 'a', 'b'], '-r is not supported by Kame'],
  ])('refuses %j before anything is asked', async (argv, text) => {
    const { code, stdout } = await run(...argv);
    expect([code, stdout]).toEqual([1, expect.stringContaining(text)]);
    expect(asked()).toEqual([]);
  });
});
