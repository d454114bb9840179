import { join } from 'node:path';
import { deadlineSignal } from '../../core/deadline.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Arch } from '../../model/machine.ts';
import type { Capabilities } from '../../qemu/capabilities/capabilities.ts';
import type { Host } from '../host/host.ts';
import { chooseAccelerator, verdictKeyOf, type ChosenAccelerator } from './accelerator.ts';
import { watchConsoleStages } from './console-stages.ts';
import { engineFor, hostArchitecture, hostOs } from './engine.ts';
import { Findings } from './findings.ts';
import { bootThrowAway, type ThrowAwayGuest } from './throw-away.ts';
import { tinyBoot } from './tiny-boot.ts';

/** Milliseconds in which the small guest must be up: it takes some seconds where it is emulated. */
const bootMs = 60_000;

interface Chosen extends ChosenAccelerator {
  readonly capabilities: Capabilities;
}

const isSeconds = (value: unknown): value is number => typeof value === 'number' && value > 0;

/** Waits until someone can log in. @throws KameError ENGINE_TIMEOUT, CANCELLED */
async function untilLogin({ serialLog, engine }: ThrowAwayGuest, signal: AbortSignal): Promise<void> {
  using deadline = deadlineSignal(bootMs, signal);
  const over = new AbortController();
  deadline.signal.addEventListener('abort', () => over.abort());
  void engine.closed.then(() => over.abort());
  let isUp = false;
  await watchConsoleStages(serialLog, {
    signal: over.signal,
    onStage: (stage) => {
      if (stage !== 'login') return;
      isUp = true;
      over.abort();
    },
  });
  if (signal.aborted) throw new KameError('CANCELLED', 'Measuring the speed of guests was cancelled.');
  if (!isUp) throw new KameError('ENGINE_TIMEOUT', `A small guest was not up within ${bootMs / 1000} s.`);
}

/** The best accelerator that works here for guests of an architecture. @throws KameError as chooseAccelerator */
async function chosenFor(host: Host, arch: Arch, progress: Progress): Promise<Chosen> {
  const capabilities = await engineFor(host, arch, { signal: progress.signal });
  return { capabilities, ...(await chooseAccelerator(host, capabilities, 'auto', progress)) };
}

/** Boots the small guest, or remembers how long it took. @returns seconds. @throws KameError as bootThrowAway */
async function bootSeconds(host: Host, { capabilities, kind }: Chosen, progress: Progress): Promise<number> {
  const { arch } = capabilities;
  const times = new Findings(join(host.names.cache, 'boot-times.json'), isSeconds);
  const key = await verdictKeyOf(kind, capabilities);
  const known = await times.find(key);
  if (known !== undefined) return known;
  const boot = await tinyBoot(host, arch, progress);
  progress.report({ stage: `Measuring how fast ${arch} guests are here, with a small one` });
  const options = { purpose: 'speed', kind, capabilities, boot, deadlineMs: bootMs };
  const started = performance.now();
  const seconds = await bootThrowAway(host, options, progress, async (guest) => {
    await untilLogin(guest, progress.signal);
    return (performance.now() - started) / 1000;
  });
  await times.keep(key, seconds);
  return seconds;
}

/** As bootSeconds, for the host's own architecture; undefined if guests of that one are emulated too. */
async function ownSeconds(host: Host, arch: Arch, progress: Progress): Promise<number | undefined> {
  if (arch === hostArchitecture()) return undefined;
  const own = await chosenFor(host, hostArchitecture(), progress);
  return own.kind === 'tcg' ? undefined : await bootSeconds(host, own, progress);
}

const processors: Readonly<Record<Arch, string>> = { aarch64: 'an ARM64', x86_64: 'an Intel or AMD' };

const formatSeconds = (seconds: number): string => `${seconds.toFixed(1)} s`;

/**
 * What the boot times of the small guest mean, as sentences.
 * @param reason why the guest is emulated
 * @param own the time for the host's own processor, if that one is not emulated
 */
export function forecastText(arch: Arch, reason: string, seconds: number, own: number | undefined): string {
  const times =
    own === undefined ? '' : `, ${(seconds / own).toFixed(1)} times as long as one for its own processor`;
  const remedy =
    arch === hostArchitecture()
      ? `Where ${hostOs() === 'darwin' ? 'HVF' : 'KVM'} works, it runs without emulation.`
      : `A host with ${processors[arch]} processor runs it without emulation.`;
  return [
    `The guest is ${reason}.`,
    `A small Linux of its kind boots in ${formatSeconds(seconds)} on this host${times}.`,
    remedy,
  ].join(' ');
}

/**
 * What to expect of a guest that this host emulates, as sentences. It is measured: the small guest is booted, also one for
 * the host's own processor if that one runs without emulation. Both are remembered until QEMU or the kernel changes.
 * @returns undefined if the guest is not emulated
 * @throws KameError CANCELLED
 */
export async function emulationForecast(
  host: Host,
  arch: Arch,
  progress: Progress,
): Promise<string | undefined> {
  try {
    const guest = await chosenFor(host, arch, progress);
    if (guest.kind !== 'tcg') return undefined;
    const seconds = await bootSeconds(host, guest, progress);
    return forecastText(arch, guest.reason, seconds, await ownSeconds(host, arch, progress));
  } catch (error) {
    if (error instanceof KameError && error.code === 'CANCELLED') throw error;
    return `How fast ${arch} guests are here could not be measured: ${messageOf(error)}`;
  }
}
