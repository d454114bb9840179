import type { Machine } from '../../../src/api/generated/shapes.ts';
import type { TaskRunner } from '../machine/task.ts';

/** What is being changed. */
export type Part = 'name' | 'fields' | 'disks' | 'adapters' | 'shares' | 'vmx';

/** What each part of the settings needs. */
export interface PartProps {
  readonly machine: Machine;
  readonly run: TaskRunner<Part>['run'];
  readonly isBusy: boolean;
  /** Most settings are of a machine that is stopped. */
  readonly isStopped: boolean;
}
