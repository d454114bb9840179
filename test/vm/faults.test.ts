import { expect } from 'vitest';
import { Courses } from '../faults/moment.ts';
import { isKill, textOf } from '../faults/sample.ts';
import { runSequence } from '../faults/sequence.ts';
import { homeTest as it } from '../support/home-test.ts';

// Each takes some six seconds here. bench/faults.ts kills hundreds of times.
const kills = 24;
// One sequence of kills, so that a run shows what a change has broken. bench/faults.ts draws others, and moves things too.
const seed = Number(process.env['KAME_FAULT_SEED'] ?? 71001);

it(
  `nothing is lost or left behind by ${kills} kills (KAME_FAULT_SEED=${seed} repeats them)`,
  { timeout: 1_500_000 },
  async ({ home }) => {
    process.stdout.write(`KAME_FAULT_SEED=${seed}\n`);
    const courses = new Courses();
    const { samples, violation } = await runSequence(home, { seed, kills, courses, displaces: false });
    const history = samples.map(textOf).join('\n');
    expect(violation, history).toBeNull();
    expect(samples.filter(isKill)).toHaveLength(kills);
  },
);
