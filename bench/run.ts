/**
 * `npm run bench -- [NAME…] [--runs N]`: runs benchmarks, prints a table for each and writes its samples to
 * bench/results/. Missed bars do not affect the exit code, which only shows whether everything could be measured.
 */
import { parseArgs } from 'node:util';
import { checkpoint, checkpointDebian } from './checkpoint.ts';
import { clipboard } from './clipboard.ts';
import { clone, cloneDebian } from './clone.ts';
import { clones, clonesDebian } from './clones.ts';
import { consoles } from './console.ts';
import { copy } from './copy.ts';
import { exec } from './exec.ts';
import { exporting } from './export.ts';
import { idle } from './idle.ts';
import { library } from './library.ts';
import { linked } from './linked.ts';
import { commandLine } from './list.ts';
import { shares } from './shares.ts';
import { startMax } from './start-max.ts';
import { ova } from './ova.ts';
import { start } from './start.ts';
import { network } from './network.ts';
import type { Bench } from './support/bench.ts';
import { saveResult, tableOf } from './support/report.ts';
import { suspend, suspendDebian } from './suspend.ts';
import { networkSwitch } from './switch.ts';

const benches: readonly Bench[] = [
  ...[
    start,
    startMax,
    commandLine,
    idle,
    networkSwitch,
    network,
    copy,
    exec,
    shares,
    clipboard,
    consoles,
    library,
    exporting,
    ova,
  ],
  ...[checkpoint, clone, clones, linked, suspend],
  ...[checkpointDebian, cloneDebian, clonesDebian, suspendDebian],
];

function usage(): string {
  const lines = benches.map(({ name, about }) => `  ${name.padEnd(18)} ${about}`);
  return ['usage: npm run bench -- [NAME…] [--runs N]', '', ...lines].join('\n');
}

function chosen(names: readonly string[]): readonly Bench[] {
  const unknown = names.find((name) => !benches.some((bench) => bench.name === name));
  if (unknown !== undefined) throw new Error(`Unknown benchmark ${unknown}.\n${usage()}`);
  return names.length === 0 ? benches : benches.filter(({ name }) => names.includes(name));
}

function runsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const runs = Number(text);
  if (!Number.isInteger(runs) || runs < 1 || runs > 1000)
    throw new Error(`--runs is "${text}"; it must be a whole number from 1 to 1000.`);
  return runs;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runs: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    console.log(usage());
    return;
  }
  const runs = runsOf(values.runs);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stop.abort(new Error('Interrupted.')));
  }
  for (const bench of chosen(positionals)) {
    const missing = bench.missing?.() ?? null;
    if (missing !== null) {
      console.log(`${bench.name}: skipped: ${missing}.\n`);
      // It was requested by name, so skipping it is a failure.
      if (positionals.length > 0) process.exitCode = 1;
      continue;
    }
    const [before, after] = process.stderr.isTTY ? ['\r\u001b[2K', ''] : ['', '\n'];
    const say = (text: string) => void process.stderr.write(`${before}${bench.name}: ${text}${after}`);
    try {
      const result = await bench.run({ runs, say, signal: stop.signal });
      if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K');
      console.log(`${tableOf(result)}\n  ${saveResult(result)}\n`);
    } catch (error) {
      throw new Error(`${bench.name}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
