import { execFileSync } from 'node:child_process';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifestOf, ovf } from '../../test/support/ova.ts';
import { makeHalfFullDisk } from './realistic-disk.ts';

const mebibyte = 1024 * 1024;

/**
 * Makes an OVA as appliances are published: descriptor, manifest and a streamOptimized disk that is half full.
 * @returns its path
 */
export function makeAppliance(directory: string, diskMiB: number): string {
  const raw = join(directory, 'disk.raw');
  makeHalfFullDisk(raw, diskMiB);
  const disk = join(directory, 'web-disk1.vmdk');
  execFileSync('qemu-img', [
    'convert',
    '-f',
    'raw',
    '-O',
    'vmdk',
    '-o',
    'subformat=streamOptimized',
    raw,
    disk,
  ]);
  rmSync(raw);
  const descriptor = join(directory, 'web.ovf');
  const text = ovf({ capacity: diskMiB * mebibyte });
  writeFileSync(descriptor, text);
  const hash = execFileSync('sha256sum', [disk], { encoding: 'latin1' }).slice(0, 64);
  const lines = manifestOf([{ name: 'web.ovf', content: Buffer.from(text) }]).toString();
  writeFileSync(join(directory, 'web.mf'), `${lines}SHA256(web-disk1.vmdk)= ${hash}\n`);
  const archive = join(directory, 'web.ova.new');
  execFileSync('tar', [
    '-cf',
    archive,
    '--format=ustar',
    '-C',
    directory,
    'web.ovf',
    'web.mf',
    'web-disk1.vmdk',
  ]);
  for (const name of ['web.ovf', 'web.mf', 'web-disk1.vmdk']) rmSync(join(directory, name));
  const path = join(directory, 'web.ova');
  renameSync(archive, path);
  return path;
}
