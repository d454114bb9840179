import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestHome } from '../../test/support/home.ts';

export const machineCount = 20;

/** Makes twenty machines with an empty disk each. The daemon that made them runs on. */
export async function makeTwentyMachines(home: TestHome, say: (text: string) => void): Promise<void> {
  const iso = join(home.path, 'empty.iso');
  // No more than what tells an ISO 9660 image: the identifier of its first volume descriptor, in sector 16.
  const image = Buffer.alloc(20 * 2048);
  image.write('\u0001CD001\u0001', 16 * 2048, 'latin1');
  await writeFile(iso, image);
  for (let number = 1; number <= machineCount; number += 1) {
    say(`machine ${number} of ${machineCount}`);
    await home.json('create', `machine-${number}`, '--iso', iso, '--disk', '1GiB', '--memory', '1GiB');
  }
}
