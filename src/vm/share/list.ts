import type { MachineShares } from '../../api/share.ts';
import { shellQuote } from '../../core/shell-word.ts';
import { guestAddress, mountAdvice } from '../../guest/webdav/mount-command.ts';
import { Deadline } from '../../core/deadline.ts';
import { sharesPort } from '../../qemu/plan/channels.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { findBundle } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { answeringTools } from '../guest/tools-state.ts';
import { hasPort } from '../running/guest-port.ts';
import { findShares } from '../running/shares.ts';

/** Milliseconds in which kame-tools say where the folders are. */
const lookMs = 3000;

/** What keeps a running guest from all shared folders. */
function noteOf(machine: Running): string | null {
  const name = shellQuote(machine.name);
  if (!hasPort(machine, sharesPort))
    return `${machine.name} runs from a state that was saved without the port for shared folders; kame restart ${name} gives it the port.`;
  if (machine.channels.shares.isOpen) return null;
  return `No program in the guest serves them yet: kame-tools (kame tools install ${name}) or spice-webdavd do.`;
}

/** Where the guest has the shared folders as a directory; null if it must be done there by hand. */
async function whereMounted(machine: Running | undefined): Promise<string | null> {
  if (!machine?.channels.shares.isOpen || machine.state === 'paused') return null;
  // What only makes an answer better must not be in its way.
  const hello = await answeringTools(machine, new Deadline(lookMs)).catch(() => undefined);
  return hello?.sharesAt ?? null;
}

export async function describeShares(host: Host, bundle: Bundle): Promise<MachineShares> {
  const machine = host.running.get(bundle.names.vmx);
  const { command, needs } = mountAdvice(contentOf(bundle).model.guestOS);
  const found = await findShares(host, bundle);
  return {
    machine: bundle.name,
    folders: found.map(({ folder, state, reason }) => ({
      name: folder.guestName,
      hostPath: folder.hostPath,
      writable: folder.writable,
      state,
      reason,
    })),
    connected: machine ? machine.channels.shares.isOpen : null,
    note: machine ? noteOf(machine) : null,
    address: guestAddress,
    mounted: await whereMounted(machine),
    mount: command,
    needs,
  };
}

/**
 * The shared folders of a machine in any state.
 * @throws KameError NO_SUCH_MACHINE, BROKEN_MACHINE when the `.vmx` cannot be read
 */
export async function listShares(host: Host, reference: string): Promise<MachineShares> {
  return await describeShares(host, await findBundle(host, reference));
}
