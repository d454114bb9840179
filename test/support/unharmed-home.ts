import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedHomeTest } from './home-test.ts';

/** Tests of what is refused: they share a home with a machine `demo`, and none may leave another one there. */
export const unharmedHome = sharedHomeTest(async (home) => {
  const machines = join(home.path, 'machines');
  const left = (await readdir(machines)).filter((name) => name !== 'demo.vmwarevm');
  for (const name of left) await rm(join(machines, name), { recursive: true });
  return left;
});
