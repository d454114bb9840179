import type { Machine } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import type { Call, Handler } from './operation.ts';
import { machineWith } from './machine-id.ts';
import type { operations } from './operations.ts';

type Operations = typeof operations;

/** An engine that does not answer runs nevertheless. */
const states = {
  running: 'poweredOn',
  unreachable: 'poweredOn',
  paused: 'paused',
  suspended: 'suspended',
  stopped: 'poweredOff',
} as const;

/** @throws KameError BROKEN_MACHINE */
function stateOf({ name, state, reason }: Pick<Machine, 'name' | 'state' | 'reason'>) {
  if (state === 'broken') throw new KameError('BROKEN_MACHINE', `${name} is broken: ${reason ?? ''}`);
  return { power_state: states[state] };
}

export const getPowerState: Handler<Operations['getPowerState']> = async (call) =>
  stateOf(await machineWith(call.params.id, call));

type Change = (
  call: Pick<Call<Operations['changePowerState']>, 'client' | 'signal'>,
  path: string,
) => Promise<unknown>;

const changes: Readonly<Record<Call<Operations['changePowerState']>['body'], Change>> = {
  on: ({ client, signal }, path) => client.machines.start(path, { wait: 'none' }, { signal }),
  off: ({ client, signal }, path) => client.machines.stop(path, { hard: true }, { signal }),
  shutdown: ({ client, signal }, path) => client.machines.stop(path, { hard: false }, { signal }),
  suspend: ({ client, signal }, path) => client.machines.suspend(path, { signal }),
  pause: ({ client, signal }, path) => client.machines.pause(path, { signal }),
  unpause: ({ client, signal }, path) => client.machines.unpause(path, { signal }),
};

export const changePowerState: Handler<Operations['changePowerState']> = async (call) => {
  const { path } = await machineWith(call.params.id, call);
  await changes[call.body](call, path);
  return stateOf(await machineWith(call.params.id, call));
};
