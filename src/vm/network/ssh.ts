import { mkdir } from 'node:fs/promises';
import type { ConnectSsh, SshTarget } from '../../api/network.ts';
import { Deadline, poll } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { placeText } from '../../model/network-forward.ts';
import type { Forward } from '../../model/network.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { knownHostsFile } from '../../store/names.ts';
import { fileError } from '../../sys/files.ts';
import { sshAnswers } from '../../sys/ssh-banner.ts';
import { findBundle } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { refuseUnreachable, requireRunning } from '../host/state.ts';
import { allMembers, isIn, machineDomain, type Member } from './members.ts';
import { ensureSshForward, type SshAdapter } from './ssh-forward.ts';
import { sshUserOf } from './ssh-user.ts';

/** Milliseconds for one attempt: a server sends its identification at once, but an emulated guest is slow. */
const attemptMs = 5000;

interface Found extends SshAdapter {
  readonly member: Member;
}

/** The first adapter of a machine to which the host can forward. @throws KameError INVALID_VALUE if it has none */
async function sshAdapter(host: Host, bundle: Bundle): Promise<Found> {
  const { model } = contentOf(bundle);
  const members = await allMembers(host);
  const routed = new Set(
    (await host.networkStore.all()).flatMap(({ network }) =>
      network?.type === 'nat' || network?.type === 'hostonly' ? [network.name] : [],
    ),
  );
  const own = [...members].flatMap(([network, list]) =>
    list
      .filter((member) => routed.has(network) && member.bundle.names.vmx === bundle.names.vmx)
      .map((member) => ({ network, member })),
  );
  const [first] = own.sort((a, b) => a.member.index - b.member.index);
  if (!first) {
    throw new KameError('INVALID_VALUE', `${bundle.name} has no adapter in a NAT or host-only network.`, {
      next:
        model.nics.length === 0
          ? `Give it one: kame set ${bundle.name} network=nat.`
          : 'Connect to its address directly, if it is on a bridged network, or use kame exec or kame console.',
      details: { machine: bundle.name },
    });
  }
  if (first.member.uuid === undefined) {
    throw new KameError(
      'INVALID_VALUE',
      `${bundle.name} has no UUID yet, by which a forward would know it.`,
      {
        next: `Its first start gives it one: kame start ${bundle.name}.`,
        details: { machine: bundle.name },
      },
    );
  }
  return { ...first, uuid: first.member.uuid };
}

/** @throws KameError WRONG_STATE for a guest that was resumed with adapters of its own, outside of all networks */
function refuseUnconnected(machine: Running, network: string): void {
  if (machine.record.networks.some((port) => isIn(port, network))) return;
  throw new KameError(
    'WRONG_STATE',
    `${machine.name} is not connected to the network ${network} at the moment.`,
    {
      next: `Its memory is probably from a checkpoint of an earlier Kame, whose adapters are outside of all networks: kame stop ${machine.name} and kame start ${machine.name} connect them.`,
      details: { machine: machine.name, network },
    },
  );
}

/** Why the forward does not listen, as the network says; undefined if it does, or still may. */
async function failureOf(host: Host, network: string, forward: Forward): Promise<string | undefined> {
  const { forwards, trouble } = await host.networks.status(network);
  const known = forwards.find((one) => placeText(one.forward) === placeText(forward));
  if (known?.state === 'failed') return known.reason ?? 'it does not say why.';
  return trouble ?? undefined;
}

/** Waits until the SSH server of the guest answers. @throws KameError WRONG_STATE, HOST_PROBLEM, GUEST_TIMEOUT, CANCELLED */
async function waitForServer(
  host: Host,
  bundle: Bundle,
  { network }: Found,
  forward: Forward,
  deadline: Deadline,
): Promise<void> {
  const { name } = bundle;
  deadline.progress.report({ stage: `Waiting for the SSH server of ${name}` });
  const { signal } = deadline;
  const attempt = async () => {
    requireRunning(host, bundle);
    const ms = Math.min(attemptMs, Math.max(1, deadline.leftMs));
    return (await sshAnswers(forward.bind, forward.hostPort, { ms, signal })) ? true : undefined;
  };
  const options = { deadlineMs: deadline.leftMs, signal, stepMs: 50, maxStepMs: 1000 };
  if (await poll(attempt, options)) return;
  const failure = await failureOf(host, network, forward);
  if (failure !== undefined) {
    throw new KameError('HOST_PROBLEM', `The network ${network} does not lead to ${name}: ${failure}`, {
      next: `kame network show ${network} shows its state.`,
      details: { machine: name, network },
    });
  }
  throw new KameError('GUEST_TIMEOUT', `The SSH server of ${name} did not answer in time.`, {
    next: `Install and start an SSH server in the guest, or raise --timeout; kame console ${name} shows what the guest is doing.`,
    details: { machine: name, port: forward.hostPort },
  });
}

/**
 * How to connect to the SSH server of a guest from this host. With `wait`, the machine must run, and its server answers.
 * @throws KameError NO_SUCH_MACHINE, INVALID_VALUE, WRONG_STATE, GUEST_TIMEOUT, HOST_PROBLEM
 */
export async function sshTarget(
  host: Host,
  reference: string,
  { user, wait, timeoutMs }: ConnectSsh,
  progress: Progress,
): Promise<SshTarget> {
  const deadline = new Deadline(timeoutMs, progress);
  const bundle = await findBundle(host, reference);
  if (wait) {
    await refuseUnreachable(host, bundle);
    requireRunning(host, bundle);
  }
  const found = await sshAdapter(host, bundle);
  if (wait) refuseUnconnected(requireRunning(host, bundle), found.network);
  const forward = await ensureSshForward(host, found);
  if (wait) await waitForServer(host, bundle, found, forward, deadline);
  const { knownHosts } = host.names;
  await mkdir(knownHosts, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw fileError(error, knownHosts);
  });
  return {
    machine: bundle.name,
    host: forward.bind,
    port: forward.hostPort,
    user: user ?? (await sshUserOf(host, bundle)),
    alias: `${found.member.label}.${machineDomain}`,
    knownHosts: knownHostsFile(host.names, found.uuid),
  };
}
