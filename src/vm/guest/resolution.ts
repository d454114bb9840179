import { isRounded } from '../../api/display-size.ts';
import type { Resolution, ResolutionChange, SetResolution } from '../../api/resolution.ts';
import { aborted, Deadline, deadlineSignal } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { silentProgress, type Progress } from '../../core/progress.ts';
import { RfbClient } from '../../qemu/rfb/rfb-client.ts';
import type { DisplaySize } from '../../qemu/rfb/rfb-session.ts';
import { displayAnswer } from '../host/display-answer.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { machineWithDisplay } from './display.ts';

/** Milliseconds until the size is asked for again: desktops follow within 4.4 s, and once one did not follow at all. */
const retryMs = 6000;

/** Milliseconds that a desktop may take to do what kame-tools ask of it. */
const helperMs = 10_000;

async function answered<T>(machine: Running, signal: AbortSignal, work: Promise<T>): Promise<T> {
  return await displayAnswer(machine, work, { signal, what: 'The change of the resolution' });
}

async function openDisplay(machine: Running, signal: AbortSignal): Promise<RfbClient> {
  return await answered(machine, signal, RfbClient.connect(machine.vncSocket, signal));
}

/** The size that the display of a machine has. @throws KameError NO_SUCH_MACHINE, WRONG_STATE, ENGINE_*, CANCELLED */
export async function showResolution(
  host: Host,
  reference: string,
  signal: AbortSignal,
): Promise<Resolution> {
  const machine = await machineWithDisplay(host, reference, silentProgress(signal));
  using closing = closingSignal(signal);
  using display = await openDisplay(machine, closing.signal);
  return display.size;
}

/** A signal that ends a connection with its scope, even one that is still being made. */
function closingSignal(signal: AbortSignal): { readonly signal: AbortSignal } & Disposable {
  const closing = new AbortController();
  return {
    signal: AbortSignal.any([signal, closing.signal]),
    [Symbol.dispose]: () => closing.abort(),
  };
}

function isSame(one: DisplaySize, other: DisplaySize): boolean {
  return one.width === other.width && one.height === other.height;
}

interface Change {
  /** The size before it was asked for another one. */
  readonly before: DisplaySize;
  readonly wanted: DisplaySize;
}

/** Waits until the display has the wanted size, or one that it has been changed to and that is as near as can be. */
async function follow(
  display: RfbClient,
  { before, wanted }: Change,
  ms: number,
  signal: AbortSignal,
): Promise<boolean> {
  using over = deadlineSignal(ms, signal);
  for (;;) {
    const changed = !isSame(display.size, before);
    if (isSame(display.size, wanted) || (changed && isRounded(display.size, wanted))) return true;
    if (signal.aborted) throw new KameError('CANCELLED', 'The change of the resolution was cancelled.');
    if (over.signal.aborted) return false;
    await Promise.race([display.nextChange(), aborted(over.signal)]);
  }
}

function rethrowCancelled(error: unknown): false {
  if (!(error instanceof KameError) || error.code === 'CANCELLED') throw error;
  return false;
}

/**
 * Asks for a size: kame-tools in a session that they can resize; else in all other ways that there are: the graphics adapter tells its
 * driver, and the agent changes that of X11.
 * @throws KameError WRONG_STATE when neither is possible, ENGINE_*, CANCELLED
 */
async function ask(
  machine: Running,
  display: RfbClient,
  wanted: DisplaySize,
  { leftMs, signal }: Deadline,
): Promise<void> {
  const { desktopAgent, sessionHelper } = machine.channels;
  if (sessionHelper.resizesDisplay) {
    // Whether it did is seen on the display. The driver must not be told as well: the desktop would follow that later.
    const asked = sessionHelper.resizeDisplay(wanted, { deadlineMs: Math.min(helperMs, leftMs), signal });
    if (await asked.then(() => true, rethrowCancelled)) return;
  }
  const isForwarded = await answered(machine, signal, display.setDesktopSize(wanted));
  if (desktopAgent.resizesDisplay) {
    // An agent that ends meanwhile, or does not read, is like one that is not there.
    void desktopAgent.resizeDisplay(wanted).catch(() => undefined);
  } else if (!isForwarded) {
    throw new KameError(
      'WRONG_STATE',
      `The graphics adapter of ${machine.name} cannot tell its guest about a size.`,
      {
        next: 'Install spice-vdagent in the guest, or choose a resolution in its settings.',
        details: { machine: machine.name },
      },
    );
  }
}

/**
 * Changes the size of the display of a machine, and asks once more if the guest does not follow.
 * @returns the size that the display has then, whatever it is
 * @throws KameError NO_SUCH_MACHINE, WRONG_STATE, ENGINE_*, CANCELLED
 */
export async function setResolution(
  host: Host,
  reference: string,
  { width, height, timeoutMs }: SetResolution,
  progress: Progress,
): Promise<ResolutionChange> {
  const wanted = { width, height };
  const { signal } = progress;
  const machine = await machineWithDisplay(host, reference, progress);
  if (machine.state === 'paused') {
    throw new KameError('WRONG_STATE', `${machine.name} is paused, so its display cannot change.`, {
      next: `kame unpause ${machine.name} resumes it.`,
      details: { machine: machine.name },
    });
  }
  const deadline = new Deadline(timeoutMs, progress);
  using closing = closingSignal(signal);
  using display = await openDisplay(machine, closing.signal);
  progress.report({ stage: `Waiting for the display of ${machine.name}` });
  for (const ms of [Math.min(retryMs, timeoutMs / 2), Number.POSITIVE_INFINITY]) {
    if (isSame(display.size, wanted)) break;
    const before = display.size;
    await ask(machine, display, wanted, deadline);
    if (await follow(display, { before, wanted }, deadline.step(ms).deadlineMs, signal)) break;
  }
  return { ...display.size, wanted, reached: isSame(display.size, wanted) };
}
