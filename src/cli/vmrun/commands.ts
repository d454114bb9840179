import type { Command, CommandGroup, Run } from './command.ts';

/** The words that end a machine, or save it, with or without its guest. */
const hardOrSoft = [['hard', 'soft']] as const;

const power = (name: string, summary: string, words: Command['words'] = []): Command => ({
  name,
  summary,
  machine: true,
  words,
  load: async (): Promise<Run> => (await import('./power.ts'))[name as 'start'],
});

/** THE TABLE of commands, the source of parsing and of the usage text. */
export const groups: readonly CommandGroup[] = [
  {
    title: 'POWER COMMANDS',
    commands: [
      power('start', 'Start or resume a machine', [['gui', 'nogui']]),
      power('stop', 'Shut a machine down, or power it off', hardOrSoft),
      power('reset', 'Restart a machine', hardOrSoft),
      power('suspend', 'Save a machine to disk and power it off', hardOrSoft),
      power('pause', 'Pause a machine'),
      power('unpause', 'Continue a paused machine'),
    ],
  },
  {
    title: 'GENERAL COMMANDS',
    commands: [
      {
        name: 'list',
        summary: 'List the running machines',
        machine: false,
        load: async () => (await import('./power.ts')).list,
      },
    ],
  },
];

export const commands: readonly Command[] = groups.flatMap((group) => group.commands);
