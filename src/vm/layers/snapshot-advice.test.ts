import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { takeBody } from '../../../test/support/bodies.ts';
import { refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { takeSnapshot } from '../snapshot/snapshots.ts';

const world = useWorld();

it('the advice for a damaged disk speaks of snapshots only if the machine has some', async () => {
  const demo = world().machine();
  const damage = async (): Promise<string> => {
    writeFileSync(demo.top(), 'QFI\u00fb', 'latin1');
    return (await refused(world().start())).next;
  };
  await takeSnapshot(world().host, 'demo', takeBody({ label: 'good' }), quiet);
  expect(await damage()).toBe(
    'Replace the file that the message names with an intact copy from its source or a backup. Snapshots that do not depend on it remain usable: see `kame snapshot list demo` and `kame snapshot revert`.',
  );
  const other = world().machine('other');
  writeFileSync(other.top(), 'QFI\u00fb', 'latin1');
  expect((await refused(world().start('other'))).next).toBe(
    'Replace the file that the message names with an intact copy from its source or a backup.',
  );
});
