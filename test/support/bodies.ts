import type { Body, BodyInput } from '../../src/api/operations.ts';
import { body } from './body.ts';

// Whole request bodies, as the daemon gives them to the use cases, with deadlines that suit a fake engine.

const soon = { timeoutMs: 5000 };
const atOnce = { wait: 'none', ...soon } as const;

export const startBody = (input: BodyInput<'machines.start'> = {}): Body<'machines.start'> =>
  body('machines.start', { ...atOnce, ...input });

export const stopBody = (input: BodyInput<'machines.stop'> = {}): Body<'machines.stop'> =>
  body('machines.stop', { ...soon, ...input });

export const restartBody = (input: BodyInput<'machines.restart'> = {}): Body<'machines.restart'> =>
  body('machines.restart', { ...atOnce, ...input });

export const takeBody = (input: BodyInput<'snapshots.take'> = {}): Body<'snapshots.take'> =>
  body('snapshots.take', input);

export const revertBody = (input: BodyInput<'snapshots.revert'> = {}): Body<'snapshots.revert'> =>
  body('snapshots.revert', { ...atOnce, ...input });

export const cloneBody = (input: BodyInput<'machines.clone'>): Body<'machines.clone'> =>
  body('machines.clone', { ...soon, ...input });
