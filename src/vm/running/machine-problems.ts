import type { Problem } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { readJournal } from '../../store/journal.ts';
import { resolveIn, suspendedIn } from '../../store/names.ts';
import type { Host } from '../host/host.ts';
import { foreignHolder } from '../host/state.ts';
import type { DescribedDisk } from './describe-disks.ts';
import { hasVmwareVariables } from './efi-variables.ts';

function warning(key: string, message: string): Problem {
  return { severity: 'warning', key, message };
}

function ofVmx(bundle: Bundle, reason: string | null): Problem[] {
  const known = bundle.problems.map(({ severity, key, message }) => ({ severity, key, message }));
  const isKnown = reason === null || known.some(({ message }) => message === reason);
  return isKnown ? known : [{ severity: 'error', key: '', message: reason }, ...known];
}

async function ofVariables(bundle: Bundle): Promise<Problem[]> {
  const { model } = contentOf(bundle);
  if (!(await hasVmwareVariables(bundle.names, model))) return [];
  const message = `${resolveIn(bundle.names, model.firmware.nvram)} is VMware’s and stays as it is. The next start makes new EFI variables for the guest, without the boot entries and keys of the old ones.`;
  return [warning('nvram', message)];
}

/** A state that VMware saved: no start resumes it. */
function ofSuspension(bundle: Bundle): Problem[] {
  const vmState = contentOf(bundle).model.suspendedState;
  if (vmState === '' || suspendedIn(bundle.names, vmState)) return [];
  const message = `Another program has suspended ${bundle.name}, and only that program can resume it. kame start ${bundle.name} --discard-state starts it from its disks; unsaved data in the guest is lost.`;
  return [warning('checkpoint.vmState', message)];
}

/** A journal that Kame does not follow, and because of which nothing changes the machine. */
async function ofJournal(host: Host, { names }: Bundle): Promise<Problem[]> {
  try {
    await readJournal(host.names, names);
    return [];
  } catch (error) {
    if (!(error instanceof KameError)) throw error;
    return [warning('', `${error.message} ${error.next}`)];
  }
}

/** Why a machine needs attention: it cannot be reached, its engine has paused it, or has died. */
async function ofEngine(host: Host, bundle: Bundle): Promise<Problem[]> {
  const { name, names } = bundle;
  // A lock that cannot be read is told as the reason why the machine is broken.
  const holder = await foreignHolder(host, bundle).catch(() => undefined);
  const reason = host.unreachable.get(names.vmx) ?? 'Another Kame has started it.';
  const message = holder
    ? `Process ${holder.pid} (${holder.purpose}) uses this machine, and cannot be reached: ${reason} kame stop ${name} --hard ends an engine of this home.`
    : (host.running.get(names.vmx)?.trouble ?? host.running.deathOf(names.vmx));
  return typeof message === 'string' ? [warning('', message)] : [];
}

/**
 * What is wrong with a machine, or what a person should know before it is started.
 * @param reason why it is broken, or null
 */
export async function problemsOf(
  host: Host,
  bundle: Bundle,
  reason: string | null,
  disks: readonly DescribedDisk[],
): Promise<Problem[]> {
  const runs = host.running.get(bundle.names.vmx) !== undefined;
  const isReadable = bundle.content !== null && bundle.broken === null;
  return [
    ...ofVmx(bundle, reason),
    ...disks.flatMap(({ problem }) => (problem && !runs ? [problem] : [])),
    ...(isReadable ? [...(await ofVariables(bundle)), ...ofSuspension(bundle)] : []),
    ...(await ofJournal(host, bundle)),
    ...(await ofEngine(host, bundle)),
  ];
}
