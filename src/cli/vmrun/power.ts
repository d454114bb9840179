import { KameError } from '../../core/errors.ts';
import type { Call, Run } from './command.ts';

const nothing: readonly string[] = [];

/** Whether the machine has an engine. */
const isOn = (state: string): boolean => ['running', 'paused', 'unreachable'].includes(state);

/** Starts or resumes a machine. One that runs already stays as it is: for vmrun that is no error. */
export const start: Run = async ({ client, machine, signal }) => {
  try {
    await client.machines.start(machine, { wait: 'none' }, { signal });
  } catch (error) {
    if (!(error instanceof KameError) || error.code !== 'WRONG_STATE') throw error;
    if (!isOn((await client.machines.show(machine, { signal })).state)) throw error;
  }
  return nothing;
};

export const stop: Run = async ({ client, machine, words, signal }) => {
  await client.machines.stop(machine, { hard: words.has('hard') }, { signal });
  return nothing;
};

export const reset: Run = async ({ client, machine, words, signal }) => {
  await client.machines.restart(machine, { hard: words.has('hard'), wait: 'none' }, { signal });
  return nothing;
};

/** A command that is one call of the daemon. */
function simple(work: (call: Call) => Promise<unknown>): Run {
  return async (call) => {
    await work(call);
    return nothing;
  };
}

export const suspend = simple(({ client, machine, signal }) => client.machines.suspend(machine, { signal }));
export const pause = simple(({ client, machine, signal }) => client.machines.pause(machine, { signal }));
export const unpause = simple(({ client, machine, signal }) => client.machines.unpause(machine, { signal }));

/** The machines that run, in the order of the daemon. */
export const list: Run = async ({ client, signal }) => {
  const running = (await client.machines.list({ signal })).filter(({ state }) => isOn(state));
  return [`Total running VMs: ${running.length}`, ...running.map(({ path }) => path)];
};
