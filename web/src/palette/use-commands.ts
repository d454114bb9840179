import { useLocation } from 'wouter';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { useMachines, refresh } from '../data/machines.ts';
import type { May } from '../data/may.ts';
import { useMay } from '../data/rights.tsx';
import { undoOffer } from '../data/undo.ts';
import { perform, saidOf, undoOf } from '../machine/actions.ts';
import { machinePage, newPage, tabsFor } from '../machine/addresses.ts';
import { choicesFor, type Choice } from '../machine/choices.ts';
import type { Asked } from '../machine/action.ts';
import { useText, type Say } from '../text/text.ts';
import type { Command } from './commands.ts';

/** A question about a machine that is asked before something is done to it. */
export interface MachineQuestion {
  readonly machine: Machine;
  readonly asked: Asked;
}

interface Ways {
  readonly say: Say;
  readonly may: May;
  readonly go: (to: string) => void;
  readonly ask: (question: MachineQuestion) => void;
}

async function choose(machine: Machine, choice: Choice, { ask, say }: Ways): Promise<void> {
  if ('asks' in choice) {
    ask({ machine, asked: choice.asks });
    return;
  }
  await perform(machine, choice.does, {});
  const [said, undo] = [saidOf(machine, choice.does, say), undoOf(machine, choice.does)];
  if (said !== undefined && undo) undoOffer.set({ said, undo });
  await refresh();
}

function commandsOf(machine: Machine, ways: Ways): Command[] {
  const { say, may, go } = ways;
  const { id, name } = machine;
  const pages = tabsFor(may, id).map((tab) => ({
    id: `${id} ${tab}`,
    label: say(`page.${tab}`),
    about: name,
    run: () => go(machinePage(id, tab)),
  }));
  const { main, others } = choicesFor(machine, may);
  const actions = [...(main ? [main] : []), ...others].map((choice) => ({
    id: `${id} do ${choice.label}`,
    label: say(`do.${choice.label}`),
    about: name,
    run: async () => await choose(machine, choice, ways),
  }));
  return [...pages, ...actions];
}

/** Everything that the palette can do now. @param ask shows a question */
export function useCommands(ask: Ways['ask']): readonly Command[] {
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
  return [...rooms, ...known.flatMap((machine) => commandsOf(machine, { say, may, go, ask }))];
}
