import { Checkbox } from '@mantine/core';
import { useState, type ReactElement, type ReactNode } from 'react';
import { Link } from 'wouter';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { OfMachine, useMay } from '../data/rights.tsx';
import { useActions } from '../machine/actions.ts';
import { machinePage } from '../machine/addresses.ts';
import { Controls } from '../machine/controls.tsx';
import { Busy, Outcome } from '../machine/outcome.tsx';
import type { Asked } from '../machine/action.ts';
import { Question } from '../machine/question.tsx';
import { Repair } from '../machine/repair.tsx';
import { useText } from '../text/text.ts';
import { dragMachines } from './drag.ts';
import { MachineCard } from './machine-card.tsx';
import { MachineRow } from './machine-row.tsx';
import type { Layout } from './view.ts';

/** The parts of a machine in the library, which a card and a row lay out. */
export interface ItemParts {
  readonly machine: Machine;
  readonly isOn: boolean;
  readonly check: ReactNode;
  readonly title: ReactNode;
  /** Its buttons, or how far that is which is being done. */
  readonly controls: ReactNode;
  /** What went wrong, or is wrong with it. */
  readonly messages: ReactNode;
}

interface ItemProps {
  readonly machine: Machine;
  readonly layout: Layout;
  readonly isSelected: boolean;
  readonly select: (isSelected: boolean) => void;
  /** The ids of what is dragged with it: itself, or all that are selected. */
  readonly dragged: readonly string[];
}

/** A machine of the library, and what can be done with it. */
export function MachineItem({ machine, layout, isSelected, select, dragged }: ItemProps): ReactElement {
  const { say } = useText();
  const may = useMay();
  const [asked, setAsked] = useState<Asked>();
  // Most machines never ask anything, and there may be many.
  const [hasAsked, setHasAsked] = useState(false);
  const ask = (what: Asked) => {
    setHasAsked(true);
    setAsked(what);
  };
  const { id, name, state, reason } = machine;
  const { doing, trouble, done, act, dismiss } = useActions(machine);
  const parts: ItemParts = {
    machine,
    isOn: state === 'running' || state === 'paused',
    check: id !== '' && (
      <Checkbox
        size="xs"
        aria-label={say('select.one', { name })}
        checked={isSelected}
        onChange={(event) => select(event.currentTarget.checked)}
      />
    ),
    title:
      id === '' ? (
        name
      ) : (
        <Link href={machinePage(id)} draggable={false}>
          {name}
        </Link>
      ),
    controls: doing ? (
      <Busy what={say(`busy.${doing.kind}`)} name={name} progress={doing.progress} />
    ) : (
      <Controls machine={machine} act={act} ask={ask} isQuiet={layout === 'rows'} />
    ),
    messages: (
      <>
        {reason !== null && <Repair machine={machine} />}
        <Outcome trouble={trouble} done={done} dismiss={dismiss} />
      </>
    ),
  };
  const Layout = layout === 'cards' ? MachineCard : MachineRow;
  return (
    <li
      aria-label={name}
      draggable={id !== '' && may('machines.set', id)}
      onDragStart={(event) => dragMachines(event.dataTransfer, dragged)}
    >
      <OfMachine value={id}>
        <Layout {...parts} isSelected={isSelected} />
        {hasAsked && <Question asked={asked} machine={machine} act={act} close={() => setAsked(undefined)} />}
      </OfMachine>
    </li>
  );
}
