import { become } from './marks.ts';
import type { Recipe } from './template.ts';

const create = ['--memory', '192MiB', '--cpus', '1'];

/**
 * A line of snapshots, each of a machine in another state, and each marked with its label: `a` running, `p` paused, `d` the
 * disks alone, `s` stopped, `u` suspended.
 */
export const snapshotOfEachKind: Recipe = {
  name: 'snapshot-of-each-kind',
  create,
  prepare: async (demo) => {
    await become(demo, 'a');
    await demo.take('a');
    await become(demo, 'p');
    await demo.pause();
    await demo.take('p');
    await demo.unpause();
    await demo.answers();
    await become(demo, 'd');
    await demo.take('d', '--disk-only');
    await become(demo, 's');
    await demo.stop();
    await demo.take('s');
    await demo.start();
    await become(demo, 'u');
    await demo.suspend();
    await demo.take('u');
  },
};
