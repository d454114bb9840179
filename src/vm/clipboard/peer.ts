import { KameError } from '../../core/errors.ts';
import type { Limits } from '../../guest/vdagent/clipboard-reads.ts';
import type { ClipboardContent, ClipboardState } from '../../guest/vdagent/clipboard.ts';
import { desktopAgentPort, desktopToolsPort } from '../../qemu/plan/channels.ts';
import { contentOf } from '../../store/bundle.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { runningMachine } from '../host/state.ts';
import { portIsOpen, refuseWithoutPort } from '../running/guest-port.ts';

/** Milliseconds that an agent whose port is open has to answer: it does within some 15 ms. */
const greetingMs = 5000;

/** A program in the guest that shares the clipboard of its desktop. */
export interface ClipboardPeer {
  /** Whether it runs and answers. */
  readonly present: boolean;
  readonly state: ClipboardState;
  /** @throws KameError CLIPBOARD_EMPTY, GUEST_*, CANCELLED */
  read(type: string, limits: Limits): Promise<Buffer>;
  /** @throws KameError INVALID_VALUE for a type that it cannot carry, GUEST_*, CANCELLED */
  offer(content: ClipboardContent, limits: Limits): Promise<void>;
}

/** The program that shares the clipboard of a machine: kame-tools in the session where they do, else the stock agent. */
export function peerOf({ channels }: Running): ClipboardPeer {
  return channels.sessionHelper.present ? channels.sessionHelper : channels.desktopAgent;
}

/** Tells of programs that come and go, and of changes of the clipboard, until the result is disposed. */
export function onClipboardChange({ channels }: Running, listener: () => void): Disposable {
  const listening = [channels.sessionHelper.onChange(listener), channels.desktopAgent.onChange(listener)];
  return {
    [Symbol.dispose]: () => {
      for (const each of listening) each[Symbol.dispose]();
    },
  };
}

const directions = {
  copy: { key: 'isolation.tools.copy.disable', flag: 'copyDisabled', what: 'Copying out of' },
  paste: { key: 'isolation.tools.paste.disable', flag: 'pasteDisabled', what: 'Pasting into' },
} as const;

/** `copy` is out of the guest, `paste` into it, as in the keys of VMware. */
export type Direction = keyof typeof directions;

/** @throws KameError WRONG_STATE when the `.vmx` forbids this direction, BROKEN_MACHINE when it cannot be read */
export async function refuseIsolated(host: Host, machine: Running, direction: Direction): Promise<void> {
  const { key, flag, what } = directions[direction];
  const { model } = contentOf(await host.bundles.read(machine.names.vmx));
  if (!model.isolation[flag]) return;
  throw new KameError('WRONG_STATE', `${what} ${machine.name} is disabled: ${key} is TRUE.`, {
    next: `kame set ${machine.name} ${key}=FALSE allows it.`,
    details: { machine: machine.name },
  });
}

/**
 * Finds a running machine whose clipboard may be used like this.
 * @throws KameError NO_SUCH_MACHINE, WRONG_STATE
 */
export async function machineFor(host: Host, reference: string, direction: Direction): Promise<Running> {
  const machine = await runningMachine(host, reference);
  refuseWithoutPort(machine, desktopAgentPort);
  await refuseIsolated(host, machine, direction);
  return machine;
}

/**
 * The program that shares the clipboard, once it answers.
 * @throws KameError WRONG_STATE when the machine is paused, GUEST_AGENT_MISSING
 */
export async function requirePeer(machine: Running, signal: AbortSignal): Promise<ClipboardPeer> {
  const { name } = machine;
  if (machine.state === 'paused') {
    throw new KameError('WRONG_STATE', `${name} is paused, so its clipboard cannot be reached.`, {
      next: `kame unpause ${name} resumes it.`,
      details: { machine: name },
    });
  }
  const { desktopAgent, sessionHelper } = machine.channels;
  // A program may be there that this daemon, or the guest, has just begun to talk to.
  if (!sessionHelper.present && (await portIsOpen(machine, desktopToolsPort))) {
    // One that has no part in the clipboard, or does not answer, is like none.
    await sessionHelper.waitKnown({ deadlineMs: greetingMs, signal }).catch(rethrowCancelled);
  }
  if (sessionHelper.present) return sessionHelper;
  if (desktopAgent.present) return desktopAgent;
  if (!(await portIsOpen(machine, desktopAgentPort)) && !desktopAgent.present) {
    throw new KameError('GUEST_AGENT_MISSING', `No desktop agent runs in ${name}.`, {
      next: 'Install spice-vdagent in the guest, or kame-tools (`kame tools install`), and log in to its desktop.',
      details: { machine: name },
    });
  }
  await desktopAgent.waitPresent({ deadlineMs: greetingMs, signal });
  return desktopAgent;
}

function rethrowCancelled(error: unknown): void {
  if (!(error instanceof KameError) || error.code === 'CANCELLED') throw error;
}
