import { useLocation } from 'wouter';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { client } from '../data/client.ts';
import { useMachines, refresh } from '../data/machines.ts';
import { useMay, type May } from '../data/rights.tsx';
import { operationOf } from '../machine/actions.ts';
import { machinePage, newPage, tabsFor } from '../machine/addresses.ts';
import { useText, type Say } from '../text/text.ts';
import type { Command } from './commands.ts';

interface Power {
  readonly label: 'start' | 'resume' | 'stop' | 'suspend';
  readonly run: () => Promise<unknown>;
}

/** What is done to a machine in each state without a further question. */
function powerOf({ id, state }: Machine): Power[] {
  const start = async () => await client.machines.start(id, { wait: 'none' });
  if (state === 'stopped') return [{ label: 'start', run: start }];
  if (state === 'suspended') return [{ label: 'resume', run: start }];
  if (state === 'paused') return [{ label: 'resume', run: async () => await client.machines.unpause(id) }];
  if (state !== 'running') return [];
  return [
    { label: 'stop', run: async () => await client.machines.stop(id) },
    { label: 'suspend', run: async () => await client.machines.suspend(id) },
  ];
}

function commandsOf(machine: Machine, say: Say, go: (to: string) => void, may: May): Command[] {
  const { id, name } = machine;
  const pages = tabsFor(may, id).map((tab) => ({
    id: `${id} ${tab}`,
    label: say(`page.${tab}`),
    about: name,
    run: () => go(machinePage(id, tab)),
  }));
  const isPermitted = ({ label }: Power) => may(operationOf(label === 'resume' ? 'start' : label), id);
  const power = powerOf(machine)
    .filter(isPermitted)
    .map(({ label, run }) => ({
      id: `${id} ${label}`,
      label: say(`do.${label}`),
      about: name,
      run: async () => {
        await run();
        await refresh();
      },
    }));
  return [...pages, ...power];
}

/** Everything that the palette can do now. */
export function useCommands(): readonly Command[] {
  const { say } = useText();
  const [, go] = useLocation();
  const { machines = [] } = useMachines();
  const may = useMay();
  const rooms = [
    { id: 'library', label: say('app.title'), run: () => go('/') },
    ...(may('machines.create') ? [{ id: 'new', label: say('app.new'), run: () => go(newPage) }] : []),
    ...(may('daemon.status') ? [{ id: 'host', label: say('host.title'), run: () => go('/host') }] : []),
    { id: 'design', label: say('design.title'), run: () => go('/design') },
  ];
  const known = machines.filter(({ id, state }) => id !== '' && state !== 'broken');
  return [...rooms, ...known.flatMap((machine) => commandsOf(machine, say, go, may))];
}
