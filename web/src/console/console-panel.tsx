import { lazy, Suspense, type ReactElement } from 'react';
import type { Machine } from '../../../src/api/generated/shapes.ts';

const GuestScreen = lazy(async () => await import('./guest-screen.tsx'));

/** The console of a machine. */
export function ConsolePanel({ machine }: { machine: Machine }): ReactElement {
  const isOn = machine.state === 'running' || machine.state === 'paused';
  return <Suspense>{isOn && <GuestScreen machine={machine} />}</Suspense>;
}
