import { messageOf } from '../../core/errors.ts';
import type { ClockCheck, ClockOccasion } from '../../guest/identity/clock-keeper.ts';
import { appendLog } from '../../store/bundle.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';

/** The clocks of the host; tests provide their own. */
export interface HostClocks {
  /** Milliseconds since 1970. */
  readonly wall: () => number;
  /** Milliseconds of a clock that nobody sets, and that on Linux stands still while the host sleeps. */
  readonly monotonic: () => number;
}

const hostClocks: HostClocks = { wall: () => Date.now(), monotonic: () => performance.now() };

/** Milliseconds between two comparisons of the host's clocks. */
const tickMs = 2000;
/** Milliseconds between two checks of the guests' clocks. */
const usualMs = 60_000;
/** The host has slept, or its time was set, if its clocks differ by more than this, in milliseconds. */
const jumpMs = 200;
/** And where no clock stands still in the sleep, as in macOS, if it slept over a comparison for that long. */
const lateMs = 3000;

/** Whether `tools.syncTime` allows the clock of a machine to be set. */
export async function isSynchronised(host: Host, machine: Running): Promise<boolean> {
  return (await host.bundles.read(machine.names.vmx)).content?.model.syncTime ?? true;
}

function seconds(ms: number): string {
  return `${(Math.abs(ms) / 1000).toFixed(1)} s`;
}

/** What the log of the machine says of a check; null for nothing. */
function noteOf({ result, by, reason, wasMs }: ClockCheck): string | null {
  if (result === 'failed') return `could not set the guest's clock: ${reason ?? 'no reason given'}`;
  if (by === 'own')
    return "the guest sets its clock back to its own time, so it is left alone; is the host's time right?";
  if (by === 'kept' || wasMs === undefined) return null;
  return `set the guest's clock, which was ${seconds(wasMs)} ${wasMs < 0 ? 'behind' : 'ahead'}`;
}

/** One check; what it has to say. */
async function attempt(host: Host, machine: Running, occasion: ClockOccasion): Promise<ClockCheck> {
  try {
    return await machine.clock.check(occasion, { set: await isSynchronised(host, machine) });
  } catch (error) {
    return { result: 'failed', by: 'nobody', reason: messageOf(error) };
  }
}

/**
 * Checks the clock of a guest whose agent answers, and sets it if it is wrong and may be set. What happened goes to the
 * log of the machine, the same thing once. Never throws.
 */
export async function checkTime(host: Host, machine: Running, occasion: ClockOccasion): Promise<void> {
  const canAnswer = () => machine.agentAnswers && machine.state === 'running';
  if (!canAnswer()) return;
  const isHeld = host.operations.verbOf(machine.names.vmx) !== undefined;
  let check = await attempt(host, machine, occasion);
  // An agent refuses while the file systems are frozen for a snapshot, and after that it does not.
  if (check.result === 'failed' && isHeld) {
    await Promise.race([host.operations.whenFree(machine.names.vmx), machine.ended]);
    if (!canAnswer()) return;
    check = await attempt(host, machine, occasion);
  }
  const note = noteOf(check);
  if (note === null || (occasion === 'usual' && note === machine.clockNote)) return;
  machine.clockNote = note;
  if (check.result === 'failed')
    host.log('Could not set the clock of a guest', { machine: machine.name, note });
  await appendLog(machine.names, note);
}

/** Checks the clock of a guest whenever it runs again after a pause, also the short one of a snapshot. */
export function watchTime(host: Host, machine: Running): void {
  machine.engine.qmp.on('RESUME', () => void checkTime(host, machine, 'changed'));
}

/** Compares the clocks of the host, and decides when all guests' clocks are checked. */
export class HostTime {
  readonly #host: Host;
  readonly #clocks: HostClocks;
  #wall: number;
  #monotonic: number;
  #checkedAt: number;

  constructor(host: Host, clocks: HostClocks = hostClocks) {
    this.#host = host;
    this.#clocks = clocks;
    this.#wall = clocks.wall();
    this.#monotonic = clocks.monotonic();
    this.#checkedAt = this.#monotonic;
  }

  /** To be called every 2 s. Resolves when the checks that it began are done. */
  async tick(): Promise<void> {
    const wall = this.#clocks.wall();
    const monotonic = this.#clocks.monotonic();
    const passed = monotonic - this.#monotonic;
    const jump = wall - this.#wall - passed;
    [this.#wall, this.#monotonic] = [wall, monotonic];
    const changed = Math.abs(jump) > jumpMs || passed > tickMs + lateMs;
    if (!changed && monotonic - this.#checkedAt < usualMs) return;
    this.#checkedAt = monotonic;
    const occasion = changed ? 'changed' : 'usual';
    await Promise.all(
      this.#host.running.all().map(async (machine) => await checkTime(this.#host, machine, occasion)),
    );
  }
}

/** Keeps the clocks of all guests right until it is disposed. */
export function startGuestTime(host: Host): Disposable {
  let time = new HostTime(host);
  const tick = (): void => {
    time.tick().catch((error: unknown) => {
      host.log('Could not check the clocks of the guests', { reason: messageOf(error) });
    });
  };
  return host.running.tickWhileAny(tickMs, tick, () => (time = new HostTime(host)));
}
