import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Disk } from '../format/disk.ts';
import type { VmdkFacts } from './descriptor-text.ts';
import { grainBytes } from './sparse-layout.ts';

/** What was written of a disk. */
export interface WrittenDisk {
  /** Size of the file. */
  readonly bytes: number;
  /** Bytes of the grains with data, before compression. */
  readonly populated: number;
}

/** @throws KameError CANCELLED */
export function refuseCancelled({ fileName }: VmdkFacts, { signal }: Progress): void {
  if (signal.aborted) throw new KameError('CANCELLED', `Writing ${fileName} was cancelled.`);
}

/** Grains of 1 MiB together. */
const reportEvery = 16;

/** Reports how much of a disk is written. The estimate may be too low. @param done in bytes */
export function reportBytes({ fileName }: VmdkFacts, disk: Disk, done: number, progress: Progress): void {
  progress.report({
    stage: `Writing ${fileName}`,
    done,
    total: Math.max(done, disk.estimate),
    unit: 'bytes',
  });
}

/** Reports how much of a disk is written, for each mebibyte. @param grains that are written */
export function reportWritten(facts: VmdkFacts, disk: Disk, grains: number, progress: Progress): void {
  if (grains % reportEvery === 1) reportBytes(facts, disk, grains * grainBytes, progress);
}
