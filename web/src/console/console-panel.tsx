import type { ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';
import { Address, Facts } from '../machine/facts.tsx';
import { Screen } from '../machine/screen.tsx';

/** The screen of a machine, and what it is. */
export function ConsolePanel({ machine }: { machine: Machine }): ReactElement {
  return (
    <>
      <Screen machine={machine} />
      <Facts machine={machine} />
      <Address ip={machine.ip} />
    </>
  );
}
