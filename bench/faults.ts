/**
 * `node --import tsx bench/faults.ts [--runs N] [--seed N] [--quiet] [--ignore PATTERN]`: kills QEMU, the daemon and
 * the command at N points of take, revert, delete, suspend, resume and clone, and checks all invariants after each.
 * Prints a table, and writes the samples to bench/results/faults.json. The exit code is 1 if an invariant was violated;
 * then the home is kept, and the same seed and `--runs` repeat the sequence. `--ignore` ignores known leftovers, to
 * find unknown ones.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { tableLines, type Cell } from '../src/cli/table.ts';
import { Courses } from '../test/faults/moment.ts';
import { anySeed } from '../test/faults/random.ts';
import { isKill, textOf, type Sample } from '../test/faults/sample.ts';
import { runSequence, type SequenceResult } from '../test/faults/sequence.ts';
import { useHome } from '../test/support/home.ts';
import { needTiny } from './support/kame.ts';

/** Kills in one home. */
const perSequence = 60;

function numberOf(text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`${text} is not a whole number.`);
  return value;
}

const right = (value: number): Cell => ({ text: String(value), align: 'right' });

function tableOf(samples: readonly Sample[]): string[] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples.filter(isKill)) {
    const key = `${sample.operation}\t${sample.victims.join('+')}`;
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  const count = (group: readonly Sample[], fits: (sample: Sample) => boolean) =>
    right(group.filter(fits).length);
  const rows = [...groups]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([key, group]) => [
      ...key.split('\t'),
      right(group.length),
      count(group, ({ afterItsEnd }) => !afterItsEnd),
      count(group, ({ outcome }) => outcome === 'done'),
      count(group, ({ outcome }) => outcome === 'undone'),
      count(group, ({ violation }) => violation !== null),
    ]);
  return tableLines([
    ['OPERATION', 'VICTIM', 'KILLS', 'WHILE IT RAN', 'FINISHED', 'UNDONE', 'VIOLATIONS'],
    ...rows,
  ]);
}

function summaryOf(results: readonly SequenceResult[]): string[] {
  const samples = results.flatMap((result) => result.samples);
  const kills = samples.filter(isKill);
  const seconds = samples.reduce((sum, { ms }) => sum + ms, 0) / 1000;
  const violations = results.filter(({ violation }) => violation !== null);
  return [
    ...tableOf(samples),
    `${kills.length} kills, ${kills.filter(({ afterItsEnd }) => !afterItsEnd).length} of them while the operation ran; ` +
      `${(seconds / Math.max(1, kills.length)).toFixed(1)} s for each; ${violations.length} violations`,
    ...violations.map(({ violation }) => `${violation?.text}\n  kept: ${violation?.home}`),
  ];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string' },
      seed: { type: 'string' },
      quiet: { type: 'boolean' },
      ignore: { type: 'string' },
    },
  });
  const runs = numberOf(values.runs, perSequence);
  const seed = numberOf(values.seed, anySeed());
  console.log(`seed ${seed}, ${runs} runs`);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  await needTiny('aarch64', () => undefined);
  const courses = new Courses();
  const results: SequenceResult[] = [];
  let left = runs;
  for (let number = 0; left > 0 && !stop.signal.aborted; number += 1) {
    await using home = await useHome();
    const result = await runSequence(home, {
      seed: seed + number,
      kills: Math.min(left, perSequence),
      courses,
      displaces: true,
      ignore: values.ignore === undefined ? undefined : new RegExp(values.ignore),
      signal: stop.signal,
      onStep: (sample) => {
        if (isKill(sample)) left -= 1;
        if (!values.quiet) console.log(textOf(sample));
      },
    });
    results.push(result);
    if (result.violation) console.log(`${result.violation.text}\n  kept: ${result.violation.home}`);
    // A sequence that cannot even begin would repeat forever.
    if (result.samples.length === 0) break;
  }
  for (const line of summaryOf(results)) console.log(line);
  const directory = fileURLToPath(new URL('results', import.meta.url));
  mkdirSync(directory, { recursive: true });
  const path = join(directory, 'faults.json');
  writeFileSync(path, `${JSON.stringify({ seed, runs, at: new Date().toISOString(), results }, null, 2)}\n`);
  console.log(`  ${path}`);
  if (results.some(({ violation }) => violation !== null)) process.exitCode = 1;
}

await main();
