import { basename, extname } from 'node:path';
import { plainName } from '../../model/name.ts';
import type { Run } from './command.ts';
import { VmrunError } from './vmrun-error.ts';

/** The name of a clone: the one that was asked for, or that of its file; with a number if another machine has it. */
export function cloneName(asked: string, taken: readonly string[]): string {
  const used = new Set(taken.map(plainName));
  let name = asked;
  for (let number = 2; used.has(plainName(name)); number += 1) name = `${asked}-${number}`;
  return name;
}

export const clone: Run = async ({ client, machine, args, options, signal, path }) => {
  const [target = '', word = ''] = args;
  const kind = word.toLowerCase();
  if (kind !== 'full' && kind !== 'linked')
    throw new VmrunError('One of the parameters was invalid', 'A clone is full or linked.');
  if (!/\.vmx$/iu.test(target)) throw new VmrunError(`Cannot open VM: ${target}, unknown file suffix`);
  const asked = options.get('-clonename') ?? basename(target, extname(target));
  const names = (await client.machines.list({ signal })).map(({ name }) => name);
  const snapshot = options.get('-snapshot');
  const body = {
    name: cloneName(asked, names),
    kind,
    path: path(target),
    ...(snapshot === undefined ? {} : { snapshot }),
  } as const;
  await client.machines.clone(machine, body, { signal });
  return [];
};

export const deleteVM: Run = async ({ client, machine, signal }) => {
  await client.machines.delete(machine, { signal });
  return [];
};

/** Kame gives a machine its present hardware at each start, so that there is nothing to do for one that can be started. */
export const upgradevm: Run = async ({ client, machine, signal }) => {
  const { state, reason } = await client.machines.show(machine, { signal });
  if (state === 'broken') throw new VmrunError(`Cannot open VM: ${machine}, ${reason ?? ''}`);
  if (state !== 'stopped')
    throw new VmrunError('The virtual machine should not be powered on. It is already running.');
  return [];
};

/** Puts a machine on the list; one that is there stays. */
export const register: Run = async ({ client, machine, signal }) => {
  await client.machines.register({ path: machine, sameName: true }, { signal });
  return [];
};

export const unregister: Run = async ({ client, machine, signal }) => {
  await client.machines.unregister(machine, { signal });
  return [];
};

export const listRegisteredVM: Run = async ({ client, signal }) => {
  const machines = await client.machines.list({ signal });
  return [`Total registered VMs: ${machines.length}`, ...machines.map(({ path }) => path)];
};

/** Commands that belong to products or features which are gone. */
export const unsupported: Run = async () => {
  await Promise.reject(new VmrunError('The operation is not supported'));
  return [];
};
