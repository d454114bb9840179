import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { manifestOf, ovf } from '../../test/support/ova.ts';

const mebibyte = 1024 * 1024;

/** A mebibyte that compresses to about 45 %, as the disk of a system does: one half is noise, the other words. */
function realistic(): Buffer {
  const words =
    randomBytes(4096)
      .toString('base64')
      .match(/.{1,9}/gu) ?? [];
  const parts: Buffer[] = [];
  for (let at = 0; at < mebibyte; at += 16 * 1024) {
    parts.push(randomBytes(5 * 1024));
    const text = Array.from({ length: 1600 }, () => words[Math.floor(Math.random() * words.length)] ?? '');
    parts.push(Buffer.from(text.join(' ')).subarray(0, 11 * 1024));
  }
  return Buffer.concat(parts);
}

/**
 * Makes an OVA as appliances are published: descriptor, manifest and a streamOptimized disk that is half full.
 * @returns its path
 */
export function makeAppliance(directory: string, diskMiB: number): string {
  const raw = join(directory, 'disk.raw');
  const file = openSync(raw, 'wx');
  ftruncateSync(file, diskMiB * mebibyte);
  for (let at = 0; at < diskMiB; at += 2) writeSync(file, realistic(), 0, mebibyte, at * mebibyte);
  closeSync(file);
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
