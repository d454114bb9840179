import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Test files that take long although they are short, the longest first within their project. The runner only knows the size
 * of a file in a fresh clone; a long one that begins last keeps one worker busy while the others are idle.
 */
export const longest: readonly string[] = [
  'src/vm/recovery/settle.test.ts',
  'src/vm/copy/put-broken.test.ts',
  'src/disk/merge.test.ts',
  'src/vm/clone/instant-clone.test.ts',
  'src/vm/snapshot/delete.test.ts',
  'src/vm/host/silent-engine.test.ts',
  'src/vm/snapshot/revert.test.ts',
  'src/vm/power/suspend.test.ts',
  'src/vm/snapshot/take.test.ts',
  'src/model/write.test.ts',
  'scripts/build-tools.test.ts',
  'test/contract/qemu-start.test.ts',
  'src/vm/layers/relink.test.ts',
  'test/contract/cli-shells.test.ts',
  'test/contract/cli-daemon.test.ts',
  'src/vm/network/running-network.test.ts',
  'src/net/download.test.ts',
  'src/disk/import.test.ts',
  'src/disk/compact.test.ts',
  'test/vm/desktop-session.test.ts',
  'test/vm/clones.test.ts',
  'test/vm/faults.test.ts',
  'test/vm/networks.test.ts',
  'test/vm/snapshot-trees.test.ts',
  'test/vm/killed-start.test.ts',
  'test/vm/boot-kinds.test.ts',
  'test/vm/suspend.test.ts',
  'test/vm/import-kills.test.ts',
];

/** The place of a file in the list, by its path from the root; a file that is not listed comes after those. */
function placeOf(path: string): number {
  const place = longest.indexOf(path);
  return place < 0 ? longest.length : place;
}

/** Begins the files of the list before all others of their project. */
export class LongestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const group = ({ project }: TestSpecification): number => project.config.sequence.groupOrder;
    const place = ({ moduleId }: TestSpecification): number =>
      placeOf(relative(this.ctx.config.root, moduleId));
    const sorted = await super.sort(specifications);
    return sorted.toSorted((a, b) => group(a) - group(b) || place(a) - place(b));
  }
}
