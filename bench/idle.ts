import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from './support/bench.ts';
import { benchHome } from './support/kame.ts';
import { usageReader } from './support/process-usage.ts';
import { makeStoppedMachines } from './support/stopped-machines.ts';

const machineCount = 20;

const everyMs = 1000;
/**
 * Seconds without work of the daemon after which it counts as idle, and the most that are waited for that. V8 gives memory back 8 s after
 * a program has last allocated much.
 */
const [quietSeconds, patience] = [12, 90];
/** Seconds of processor time in a second that are no work, but a look at the time. */
const noWork = 0.005;

/** Measures what the daemon costs while it is idle. */
export const idle: Bench = {
  name: 'idle',
  about: 'memory and processor time of a daemon with stopped machines; --runs is in seconds',
  async run(context) {
    const seconds = context.runs ?? 60;
    await using home = await benchHome();
    await makeStoppedMachines(home, machineCount, context.say);
    const pid = await home.daemonPid();
    if (pid === undefined) throw new Error('No daemon is running.');
    const usage = usageReader(pid);
    context.say('waits until it has settled');
    for (let [quiet, waited, last] = [0, 0, 0]; quiet < quietSeconds && waited < patience; waited += 1) {
      await sleep(everyMs, undefined, { signal: context.signal });
      const now = usage().cpuSeconds;
      quiet = now - last > noWork ? 0 : quiet + 1;
      last = now;
    }
    const first = { ...usage(), at: performance.now() };
    const rss: number[] = [];
    for (let second = 1; second <= seconds; second += 1) {
      context.say(`${second} of ${seconds} s`);
      await sleep(everyMs, undefined, { signal: context.signal });
      rss.push(usage().rssMb);
    }
    const wall = (performance.now() - first.at) / 1000;
    const cpu = ((usage().cpuSeconds - first.cpuSeconds) / wall) * 100;
    return {
      bench: 'idle',
      title: `daemon with ${machineCount} stopped machines, ${seconds} s`,
      series: [
        { name: 'resident memory', unit: 'MB', samples: rss, bar: { of: 'max', at: 'most', value: 100 } },
        { name: 'processor', unit: '%', samples: [cpu], bar: { of: 'max', at: 'most', value: 0.3 } },
      ],
      notes: [
        'Memory: resident memory, once per second; about 45 MB of it are the program file of Node itself.',
        `It begins when the daemon has done nothing for ${quietSeconds} s: what it cleans up after the creation of machines is not idleness.`,
        'Processor: user and system time over the whole period, relative to one processor.',
      ],
    };
  },
};
