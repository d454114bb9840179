import type { RecordSound, SoundEnd } from '../../api/sound.ts';
import { deferred } from '../../core/deferred.ts';
import { KameError } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import { integratedHardware } from '../../model/hardware.ts';
import { soundCard } from '../../qemu/plan/extras.ts';
import { soundFormat, streamSound } from '../../qemu/rfb/sound.ts';
import { displayAnswer } from '../host/display-answer.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { runningMachine } from '../host/state.ts';
import { framesIn, SoundTrack, type SoundPart } from './track.ts';

export interface RecordOptions {
  /** Ends the recording. */
  readonly signal: AbortSignal;
  /** Sends the format, then the parts of the recording. While it waits, at most 24 s of sound are kept. */
  readonly send: (part: SoundPart | typeof soundFormat) => Promise<void>;
  /** Milliseconds of a clock that never jumps. */
  readonly now?: () => number;
}

/** A running machine with a sound card that its display has. @throws KameError NO_SUCH_MACHINE, WRONG_STATE, ENGINE_* */
async function machineWithSound(host: Host, reference: string, signal: AbortSignal): Promise<Running> {
  const machine = await runningMachine(host, reference);
  await machine.engine.for(silentProgress(signal)).requireAnswer();
  const { content } = await host.bundles.read(machine.names.vmx);
  if (content && !content.model.display.present)
    throw refusal(machine, 'has no display, through which its sound comes', 'display=on');
  if (!(await hasCard(machine))) throw refusal(machine, 'has no sound card', 'sound=on');
  if (machine.record.hardware < integratedHardware) {
    throw new KameError(
      'WRONG_STATE',
      `${machine.name} runs from a state of an older version of Kame, and its sound cannot be recorded.`,
      {
        next: `kame restart ${machine.name} makes it possible: it must be shut down and started, not resumed.`,
        details: { machine: machine.name },
      },
    );
  }
  return machine;
}

function refusal({ name }: Running, what: string, setting: string): KameError {
  return new KameError('WRONG_STATE', `${name} ${what}.`, {
    next: `kame set ${name} ${setting} adds one at the next start.`,
    details: { machine: name },
  });
}

async function hasCard({ engine }: Running): Promise<boolean> {
  const devices = await engine.qmp.execute('qom-list', { path: '/machine/peripheral' });
  return devices.some(({ name }) => name === soundCard);
}

/**
 * Records what the guest of a running machine plays, with its silence, until the signal, the time, or the end of the engine.
 * Every client may have it at the same time.
 * @throws KameError NO_SUCH_MACHINE, WRONG_STATE when it is not running or has no sound card, ENGINE_*; what `send` throws
 */
export async function recordSound(
  host: Host,
  reference: string,
  { durationMs }: RecordSound,
  { signal, send, now = () => performance.now() }: RecordOptions,
): Promise<SoundEnd> {
  const machine = await machineWithSound(host, reference, signal);
  const track = new SoundTrack(framesIn(durationMs));
  const ready = deferred();
  const closing = new AbortController();
  let startedAt = now();
  let timer: NodeJS.Timeout | undefined;
  const elapsed = () => now() - startedAt;
  const listener = {
    ready: () => {
      startedAt = now();
      // Not before: the time until the engine answers is no part of the recording.
      timer = setTimeout(() => closing.abort(), durationMs);
      ready.resolve();
    },
    begin: () => track.begin(elapsed()),
    data: (frames: Buffer) => {
      track.add(frames);
      if (track.isFull) closing.abort();
    },
  };
  let reason: SoundEnd['reason'] = 'engine';
  const listening = streamSound(
    machine.vncSocket,
    listener,
    AbortSignal.any([signal, closing.signal]),
  ).finally(() => {
    if (signal.aborted) reason = 'stopped';
    else if (closing.signal.aborted) reason = 'time';
    // A timer may be a little early.
    track.end(reason === 'time' ? durationMs : elapsed());
  });
  try {
    const answer = Promise.race([ready.promise, listening]);
    await displayAnswer(machine, answer, { signal, what: 'The recording' });
    await send(soundFormat);
    for (let parts = await track.take(); parts.length > 0; parts = await track.take())
      for (const part of parts) await send(part);
    await listening;
    const { frames, silent, dropped } = track;
    return { type: 'end', reason, frames, silent, dropped };
  } finally {
    clearTimeout(timer);
    closing.abort();
    await listening.catch(() => undefined);
  }
}
