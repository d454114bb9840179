import type { MachineNic } from '../../api/nic.ts';
import { KameError } from '../../core/errors.ts';
import { unplugNic } from '../../qemu/live-nics.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { forgetNic, writeNics } from '../running/nics.ts';
import { changeNics, chosenNic, emitChange, journaled, refusedLive } from './change-nic.ts';
import { describeNic, isRemovable } from './list.ts';

/** Milliseconds that a guest has to let go of an adapter. Linux takes 5 s: the time in which a button may be pressed again. */
const letGoMs = 20_000;

function kept({ name }: Bundle, index: number): KameError {
  return new KameError(
    'GUEST_TIMEOUT',
    `The guest of ${name} does not let go of its network adapter ${index}.`,
    {
      next: `Its system may not support this, or not be up yet. If it lets go later, the adapter is removed then; kame nic set ${name} ${index} --disconnect pulls the cable meanwhile, and after kame stop ${name} it can be removed in any case.`,
      details: { machine: name, nic: index },
    },
  );
}

async function unplug(
  host: Host,
  bundle: Bundle,
  machine: Running,
  index: number,
  limits: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<void> {
  await journaled(host, bundle, { kind: 'nic', change: 'remove', index }, async () => {
    if (!(await unplugNic(machine.engine, index, limits))) {
      if (limits.signal.aborted)
        throw new KameError('CANCELLED', `The adapter ${index} of ${bundle.name} was not removed yet.`);
      throw kept(bundle, index);
    }
    await forgetNic(host, machine, index);
  });
}

/**
 * Removes a network adapter from a stopped machine, or from a running one whose guest lets go of it.
 * @throws KameError NO_SUCH_NIC, WRONG_STATE for one that is built in, GUEST_TIMEOUT, BUSY, ENGINE_*, CANCELLED
 */
export async function removeNic(
  host: Host,
  reference: string,
  index: number,
  options: { readonly signal: AbortSignal; readonly deadlineMs?: number },
): Promise<MachineNic> {
  const { signal, deadlineMs = letGoMs } = options;
  return await changeNics(host, reference, async (bundle, machine) => {
    const nic = chosenNic(bundle, index);
    const described = describeNic(nic, machine);
    if (machine && !isRemovable(nic, machine))
      throw refusedLive(bundle, `only an adapter that was added while it ran can be removed while it runs`);
    if (machine) await unplug(host, bundle, machine, index, { signal, deadlineMs });
    else {
      const { nics } = contentOf(bundle).model;
      await writeNics(
        bundle,
        nics.filter((each) => each.index !== index),
      );
    }
    await emitChange(host, bundle, `The network adapter ${index} was removed from ${bundle.name}.`);
    return described;
  });
}
