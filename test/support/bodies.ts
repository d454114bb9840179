import type * as z from 'zod';
import { cloneMachine, revertSnapshot, takeSnapshot } from '../../src/api/checkpoint.ts';
import { restartMachine, startMachine, stopMachine } from '../../src/api/machine.ts';

// Whole request bodies, as the server gives them to the use cases, with deadlines that suit a fake engine.

const soon = { timeoutMs: 5000 };

export function startBody(body: z.input<typeof startMachine> = {}): z.output<typeof startMachine> {
  return startMachine.parse({ wait: 'none', ...soon, ...body });
}

export function stopBody(body: z.input<typeof stopMachine> = {}): z.output<typeof stopMachine> {
  return stopMachine.parse({ ...soon, ...body });
}

export function restartBody(body: z.input<typeof restartMachine> = {}): z.output<typeof restartMachine> {
  return restartMachine.parse({ wait: 'none', ...soon, ...body });
}

export function takeBody(body: z.input<typeof takeSnapshot> = {}): z.output<typeof takeSnapshot> {
  return takeSnapshot.parse(body);
}

export function revertBody(body: z.input<typeof revertSnapshot> = {}): z.output<typeof revertSnapshot> {
  return revertSnapshot.parse({ wait: 'none', ...soon, ...body });
}

export function cloneBody(body: z.input<typeof cloneMachine>): z.output<typeof cloneMachine> {
  return cloneMachine.parse({ ...soon, ...body });
}
