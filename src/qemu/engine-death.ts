import { formatSize } from '../core/units.ts';
import { adviceFor } from './advice.ts';
import { howItEnded, type EngineEnd } from './start-failure.ts';

/** The file system that holds the RAM of a machine. */
export interface RamSpace {
  readonly directory: string;
  readonly bytes: number;
  readonly bytesFree: number;
}

export interface Death {
  readonly machine: string;
  /** Null if this process did not start the engine, so that only the kernel knows. */
  readonly end: EngineEnd | null;
  /** Its last output; may be empty. Null if nobody saw it. */
  readonly words: string | null;
  /** Null if its RAM was not in a file. */
  readonly ram: RamSpace | null;
}

const shownLines = 3;
/** A guest that needs another page finds none. */
const nearlyFull = 1024 * 1024;

function withBytes(bytes: number): string {
  return `${bytes} bytes (${formatSize(bytes)})`;
}

function memoryCause({ end, ram }: Death): string | undefined {
  const full = ram !== null && ram.bytesFree < nearlyFull;
  if (full && (end === null || end.signal === 'SIGBUS')) {
    return `The memory file system ${ram.directory}, which holds its RAM, is full: ${withBytes(ram.bytesFree)} of ${withBytes(ram.bytes)} are free. Free some space there, or stop other machines, before you start it again.`;
  }
  if (end?.signal !== 'SIGBUS') return undefined;
  return ram
    ? `The likely cause is that the memory file system ${ram.directory}, which holds its RAM, was full; now ${withBytes(ram.bytesFree)} of ${withBytes(ram.bytes)} are free.`
    : 'The likely cause is that the host had no memory left for it, or that its memory is defective.';
}

/** The likely cause of a death, and what to do; undefined if nothing points to one. */
function causeOf(death: Death): string | undefined {
  const { end, words } = death;
  const memory = memoryCause(death);
  if (memory !== undefined) return memory;
  if (end?.signal === 'SIGKILL')
    return 'Either a program killed it, or the kernel did because the host ran out of memory: see the kernel log of the host.';
  const advice = adviceFor(words ?? '')?.next;
  if (advice !== undefined) return advice;
  return end?.signal === null || end === null
    ? undefined
    : 'This is probably a bug of QEMU: a newer version may not have it.';
}

/** One line about an engine that ended without being asked to: how, its last output, and the likely cause. */
export function deathText(death: Death): string {
  const { machine, end, words } = death;
  const how = end === null ? '' : ` (${howItEnded(end)})`;
  if (words === null) {
    const unseen = `The engine of ${machine} ended unexpectedly while Kame was not connected to it, perhaps together with the host.`;
    return [unseen, causeOf(death)].filter((part) => part !== undefined).join(' ');
  }
  const said = words.split('\n').slice(-shownLines).join(' | ');
  const output = said === '' ? 'It printed nothing.' : `Its last output: ${said.replace(/\.?$/, '.')}`;
  return [`The engine of ${machine} ended unexpectedly${how}.`, output, causeOf(death)]
    .filter((part) => part !== undefined)
    .join(' ');
}

/** Reasons for a shutdown that nobody in the guest asked for, as in `ShutdownCause` of QEMU (qapi/run-state.json). */
const outsideReasons = new Map([
  ['host-signal', 'another program ended its engine with a signal'],
  ['host-error', 'an error on the host ended its engine'],
  ['host-ui', 'its engine was ended from its window'],
  ['guest-panic', 'its guest panicked'],
]);

/** One line about an engine that ended in order. @param reason as in its SHUTDOWN event */
export function endText(machine: string, reason: string | null): string {
  const why = outsideReasons.get(reason ?? '');
  return why === undefined ? `${machine} has stopped.` : `${machine} has stopped: ${why}.`;
}
