import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from './digest.ts';
import { guestAtLogin } from './fake-engine/guest.ts';
import { qemuImg } from './qemu-img.ts';
import type { World } from './world.ts';

/** Each machine of a world begins with the same disk. Its files as a VMDK, by kind of VMDK and by name. */
const converted = new Map<string, ReadonlyMap<string, Buffer>>();

/** Makes a VMDK of the disk of a new machine, as qemu-img does, which runs only for the first one of a sparse kind. */
function layOutDisk(top: string, place: string, subformat: string): void {
  const known = converted.get(subformat);
  if (known) {
    for (const [name, content] of known) writeFileSync(join(place, name), content);
    return;
  }
  const options = ['-f', 'qcow2', '-O', 'vmdk', '-o', `subformat=${subformat}`];
  qemuImg('convert', ...options, top, join(place, 'Virtual Disk.vmdk'));
  // As large as the disk itself.
  if (subformat.endsWith('Flat')) return;
  const files = readdirSync(place).map((name) => [name, readFileSync(join(place, name))] as const);
  converted.set(subformat, new Map(files));
}

/** A machine as VMware leaves it, in a directory beside the home of Kame: `web.vmx`, and `Virtual Disk.vmdk` of that kind. */
export function layOutForeign(
  world: World,
  lines: readonly string[] = [],
  subformat = 'twoGbMaxExtentSparse',
): string {
  const place = join(world.home, 'old', 'Web server.vmwarevm');
  // The small guest that shows how fast others are.
  world.engines.guest = guestAtLogin;
  const demo = world.machine('demo');
  mkdirSync(place, { recursive: true });
  layOutDisk(demo.top(), place, subformat);
  const text = demo
    .read('demo.vmx')
    .replace(/nvme0:0\.fileName = ".*"/, 'nvme0:0.fileName = "Virtual Disk.vmdk"')
    .replace(/displayName = ".*"/, 'displayName = "web"');
  for (const file of ['kernel', 'initrd']) cpSync(demo.file(file), join(place, file));
  rmSync(demo.directory, { recursive: true });
  writeFileSync(join(place, 'web.vmx'), `${text}\n${lines.join('\n')}\n`);
  return place;
}

/** A hash and the time of every file of a directory. */
export function fingerprints(directory: string): Record<string, string> {
  const print = (name: string) => {
    const path = join(directory, name);
    const { mtimeMs, mode, size } = statSync(path);
    return `${digestOf(path)} ${mtimeMs} ${mode} ${size}`;
  };
  return Object.fromEntries(
    readdirSync(directory)
      .sort()
      .map((name) => [name, print(name)]),
  );
}
