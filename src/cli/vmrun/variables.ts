import { KameError } from '../../core/errors.ts';
import { foldKey, getText, parseVmx } from '../../vmx/document.ts';
import type { Call, Run } from './command.ts';
import { asUser } from './guest-user.ts';
import { VmrunError } from './vmrun-error.ts';

/** Where a variable is: in the `.vmx`, shared with the guest, or in the environment of programs in the guest. */
type Place = { readonly key: string } | { readonly info: string } | { readonly variable: string };

/** @throws VmrunError for another kind of variable, and without a name */
function placeOf([kind = '', name = '']: readonly string[]): Place {
  if (name === '') throw new VmrunError('One of the parameters was invalid');
  switch (kind.toLowerCase()) {
    case 'runtimeconfig':
      return { key: name };
    case 'guestvar':
      return { info: `guestinfo.${name}` };
    case 'guestenv':
      return { variable: name };
    default:
      throw new VmrunError(
        'One of the parameters was invalid',
        'The kinds are runtimeConfig, guestEnv and guestVar.',
      );
  }
}

/** The address of a guest, which the tools of VMware keep in guestinfo.ip; empty while it has none. */
async function addressOf({ client, machine, signal }: Call): Promise<string> {
  try {
    return (await client.machines.addresses(machine, { signal })).ip ?? '';
  } catch (error) {
    if (error instanceof KameError && error.code.startsWith('GUEST_')) return '';
    throw error;
  }
}

export const readVariable: Run = async (call) => {
  const { client, machine, args, signal } = call;
  const place = placeOf(args);
  if ('variable' in place) {
    const as = await asUser(call);
    const { variables } = await client.guestEnvironment.show(machine, as, { signal });
    return [variables[place.variable] ?? ''];
  }
  if ('key' in place)
    return [getText(parseVmx(await client.machines.vmx(machine, { signal }), machine), place.key) ?? ''];
  const { variables } = await client.guestInfo.show(machine, { signal });
  const name = foldKey(place.info);
  return [variables[name] ?? (name === 'guestinfo.ip' ? await addressOf(call) : '')];
};

export const writeVariable: Run = async (call) => {
  const { client, machine, args, signal } = call;
  const place = placeOf(args);
  const value = args[2] ?? '';
  if ('key' in place) {
    await client.machines.set(machine, { settings: [{ key: place.key, value }] }, { signal });
    return [];
  }
  if ('info' in place) {
    await client.guestInfo.set(machine, { name: place.info, value }, { signal });
    return [];
  }
  const { user } = await asUser(call);
  if (user !== undefined)
    throw new VmrunError(
      'Authentication failure or insufficient permissions in guest operating system',
      'Only root sets variables for all programs of the guest.',
    );
  await client.guestEnvironment.set(machine, { name: place.variable, value }, { signal });
  return [];
};
