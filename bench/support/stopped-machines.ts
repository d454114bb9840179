import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestHome } from '../../test/support/home.ts';

/** Creates machines with an empty disk each. The daemon keeps running. */
export async function makeStoppedMachines(
  home: TestHome,
  count: number,
  say: (text: string) => void,
): Promise<void> {
  const iso = join(home.path, 'empty.iso');
  // Just enough to be recognised as ISO 9660: the identifier of the first volume descriptor, in sector 16.
  const image = Buffer.alloc(20 * 2048);
  image.write('\u0001CD001\u0001', 16 * 2048, 'latin1');
  await writeFile(iso, image);
  for (let number = 1; number <= count; number += 1) {
    say(`machine ${number} of ${count}`);
    await home.json('create', `machine-${number}`, '--iso', iso, '--disk', '1GiB', '--memory', '1GiB');
  }
}
