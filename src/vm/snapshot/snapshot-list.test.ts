import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { takeBody } from '../../../test/support/bodies.ts';
import { refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { showSnapshot, takeSnapshot } from './snapshots.ts';

const world = useWorld();

it('a snapshot whose uid is the label of another one is offered by its path, which is not ambiguous', async () => {
  const demo = world().machine();
  for (const label of ['one', 'two']) await takeSnapshot(world().host, 'demo', takeBody({ label }), quiet);
  writeFileSync(demo.file('demo.vmsd'), demo.read('demo.vmsd').replace('"two"', '"#1"'));
  expect(await refused(showSnapshot(world().host, 'demo', '#1'))).toMatchObject({
    code: 'NO_SUCH_SNAPSHOT',
    next: 'Use one of these references: /one, #2 (/one/#1)',
  });
});
