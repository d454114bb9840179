import { copySparse } from '../sys/copy-sparse.ts';
import { exists } from '../sys/files.ts';
import type { LaunchPlan } from './plan/types.ts';

/** Creates the files that a plan needs and the machine does not have yet. @throws KameError DISK_FULL, FILE_ACCESS */
export async function prepareFiles(plan: Pick<LaunchPlan, 'files'>): Promise<void> {
  for (const { from, to } of plan.files) {
    if (!(await exists(to))) await copySparse(from, to);
  }
}
