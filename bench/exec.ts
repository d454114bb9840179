import type { KameClient } from '../src/client/node/client.ts';
import { poll } from '../src/core/deadline.ts';
import { alternate, type Bench } from './support/bench.ts';
import { startSettled, tiny } from './support/guests.ts';
import { benchHome, kameProgram, timed, wallOf } from './support/kame.ts';

const machine = 'tiny';
const node = 'node -e 0';
const command = 'kame exec -- true';
const silent = { output: async () => await Promise.resolve() };
/** A guest that has just booted starts its kame-tools late. */
const toolsMs = 60_000;

async function toolsAnswer(client: KameClient): Promise<void> {
  const look = async () => {
    const { agents } = await client.tools.show(machine);
    return agents.some(({ name, answers }) => name === 'kame-tools' && answers) ? true : undefined;
  };
  if (!(await poll(look, { deadlineMs: toolsMs }))) throw new Error('kame-tools do not answer.');
}

/** Measures a short command in a guest, and what of it is Node, the API and the guest. */
export const exec: Bench = {
  name: 'exec',
  about: 'kame exec -- true and its parts, in a tiny guest',
  async run(context) {
    await using home = await benchHome();
    await tiny.create(home, machine, context.say);
    context.say('boots');
    await startSettled(home, tiny, machine);
    return await home.ask(async (client) => {
      await toolsAnswer(client);
      const samples = await alternate(
        {
          [node]: () => wallOf(['-e', '0']),
          [command]: () => wallOf([kameProgram, 'exec', machine, '--', 'true'], home.env),
          'the API: exec': () =>
            timed(async () => await client.machines.exec(machine, { command: ['true'] }, silent)),
          'the API: a file of the guest': () =>
            timed(async () => await client.guestFiles.stat(machine, { path: '/etc/hosts' })),
          'the API: the machine': () => timed(async () => await client.machines.show(machine)),
          'the API: tasks': () => timed(async () => await client.tasks.list()),
        },
        context.runs ?? 21,
        context,
      );
      return {
        bench: 'exec',
        title: 'time of a short command in a tiny guest, daemon warm, through kame-tools',
        series: Object.entries(samples).map(([name, measured]) => ({
          name,
          unit: 'ms' as const,
          samples: measured,
          ...(name === command ? { bar: { of: 'median', at: 'most', value: 120 } as const } : {}),
        })),
        notes: [],
      };
    });
  },
};
