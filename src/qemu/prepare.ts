import { access } from 'node:fs/promises';
import { KameError, errnoOf } from '../core/errors.ts';
import { copySparse } from '../sys/copy-sparse.ts';
import type { LaunchPlan } from './plan/types.ts';

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw new KameError('FILE_ACCESS', `${path} can’t be read.`, { cause: error });
  }
}

/** Makes the files a plan needs and the machine does not have yet. @throws KameError DISK_FULL, FILE_ACCESS */
export async function prepareFiles(plan: Pick<LaunchPlan, 'files'>): Promise<void> {
  for (const { from, to } of plan.files) {
    if (!(await exists(to))) await copySparse(from, to);
  }
}
