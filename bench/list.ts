import { alternate, type Bench } from './support/bench.ts';
import { benchHome, kameProgram, wallOf } from './support/kame.ts';
import { makeStoppedMachines } from './support/stopped-machines.ts';

const machineCount = 20;
const node = 'node -e 0';
const list = `kame list, ${machineCount} machines`;
const version = 'kame --version';

/** Measures what a short command costs in addition to Node itself. */
export const commandLine: Bench = {
  name: 'list',
  about: 'kame list and kame --version compared with node -e 0',
  async run(context) {
    await using home = await benchHome();
    await makeStoppedMachines(home, machineCount, context.say);
    const samples = await alternate(
      {
        [node]: () => wallOf(['-e', '0']),
        [version]: () => wallOf([kameProgram, '--version'], home.env),
        [list]: () => wallOf([kameProgram, 'list'], home.env),
      },
      context.runs ?? 21,
      context,
    );
    const ratio = { to: node };
    return {
      bench: 'list',
      title: 'wall time of short commands, daemon warm',
      series: [
        { name: node, unit: 'ms', samples: samples[node] ?? [] },
        {
          name: version,
          unit: 'ms',
          samples: samples[version] ?? [],
          ratio,
          bar: { of: 'ratio', at: 'most', value: 1.5 },
        },
        {
          name: list,
          unit: 'ms',
          samples: samples[list] ?? [],
          ratio,
          bar: { of: 'ratio', at: 'most', value: 3 },
        },
      ],
      notes: [],
    };
  },
};
