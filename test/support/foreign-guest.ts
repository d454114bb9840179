import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Guest } from './guest.ts';
import { qemuImg } from './qemu-img.ts';

/** Makes of a stopped guest what VMware would have: a bundle elsewhere with a split VMDK. @returns its path */
export async function asForeign(demo: Guest): Promise<string> {
  const place = join(demo.home.path, 'old', 'Old web.vmwarevm');
  await mkdir(place, { recursive: true });
  const options = ['-f', 'qcow2', '-O', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse'];
  qemuImg('convert', ...options, await demo.top(), join(place, 'Old.vmdk'));
  for (const name of ['kernel', 'initrd']) await cp(demo.file(name), join(place, name));
  const text = await readFile(demo.file(`${demo.name}.vmx`), 'utf8');
  const disk = text.replace(/nvme0:0\.fileName = ".*"/, 'nvme0:0.fileName = "Old.vmdk"');
  await writeFile(join(place, 'Old.vmx'), disk.replace(/displayName = ".*"/, 'displayName = "old"'));
  return place;
}

/** Takes from everyone the right to write in a directory: by a read-only mount, or from a user who may not mount, by permissions. */
export async function readOnly(directory: string): Promise<AsyncDisposable> {
  const { exitCode } = await execa('mount', ['--bind', directory, directory], { reject: false });
  if (exitCode !== 0) {
    await execa('chmod', ['-R', 'a-w', directory]);
    return { [Symbol.asyncDispose]: async () => void (await execa('chmod', ['-R', 'u+w', directory])) };
  }
  await execa('mount', ['-o', 'remount,ro,bind', directory]);
  return { [Symbol.asyncDispose]: async () => void (await execa('umount', ['--lazy', directory])) };
}
