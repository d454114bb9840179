import type { Machine } from '../../../src/api/generated/shapes.ts';
import type { TaskRunner } from '../machine/task.ts';

/** What is done with snapshots. */
export type Task = 'take' | 'revert' | 'delete' | 'edit' | 'clone' | 'protect';

/** What the forms beside the tree need. */
export interface FormProps {
  readonly machine: Machine;
  readonly run: TaskRunner<Task>['run'];
  /** Something is being done, so that nothing else can be begun. */
  readonly isBusy: boolean;
}
