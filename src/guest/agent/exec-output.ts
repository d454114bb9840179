import type { Deadline } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { assetText } from '../../sys/assets.ts';
import type { AgentConnection } from './connection.ts';
import { closeFile, openFile, readChunk, sizeOfFile } from './files.ts';
import { callMs, killOptions, reap, spawn } from './guest-process.ts';
import { within } from './wait.ts';

// Reads the output of a program in the guest while it is running, from files in the guest.

export interface OutputOptions {
  readonly onStdout?: ((chunk: Buffer) => void | Promise<void>) | undefined;
  readonly onStderr?: ((chunk: Buffer) => void | Promise<void>) | undefined;
}

/** Directories in the guest for the output, in order: disks first, so that large output does not fill its memory. */
export const outputPlaces = ['/tmp', '/var/tmp', '/dev/shm', '/run'] as const;

export interface OutputFile {
  readonly handle: number;
  readonly deliver: OutputOptions['onStdout'];
  /** Bytes that were read. */
  position: number;
}

/** Opens the two output files of the command, wherever exec.sh created them; undefined if they do not exist yet. */
export async function openOutputs(
  connection: AgentConnection,
  name: string,
  { onStdout, onStderr }: OutputOptions,
  deadline: Deadline,
): Promise<OutputFile[] | undefined> {
  const open = async (path: string) => await openFile(connection, path, deadline.step(callMs));
  for (const place of outputPlaces) {
    try {
      // `r` is created last: if it exists, so do the others.
      await closeFile(connection, await open(`${place}/${name}/r`), deadline.step(callMs));
    } catch (error) {
      if (error instanceof KameError && error.code === 'GUEST_FAILED') continue;
      throw error;
    }
    const [out, err] = [await open(`${place}/${name}/o`), await open(`${place}/${name}/e`)];
    return [
      { handle: out, deliver: onStdout, position: 0 },
      { handle: err, deliver: onStderr, position: 0 },
    ];
  }
  return undefined;
}

/** Delivers the next chunk of one stream; returns the number of bytes. A reader that is too slow counts towards the deadline. */
async function readNext(connection: AgentConnection, file: OutputFile, deadline: Deadline): Promise<number> {
  const chunk = await readChunk(connection, file.handle, deadline.step(callMs));
  file.position += chunk.length;
  if (chunk.length === 0) return 0;
  await within(Promise.resolve(file.deliver?.(chunk)), {
    ms: deadline.leftMs,
    signal: deadline.signal,
    what: 'Reading the output',
    onTimeout: () => new KameError('GUEST_TIMEOUT', 'The output was not read in time.'),
  });
  return chunk.length;
}

/** Delivers new output, one chunk from each stream; returns the number of bytes. */
export async function drain(
  connection: AgentConnection,
  files: readonly OutputFile[],
  deadline: Deadline,
): Promise<number> {
  let bytes = 0;
  for (const file of files) bytes += await readNext(connection, file, deadline);
  return bytes;
}

/**
 * Delivers the rest of the output of a command that has ended: what the files contain now. A child that it left behind may
 * write to them without end.
 */
export async function drainRest(
  connection: AgentConnection,
  files: readonly OutputFile[],
  deadline: Deadline,
): Promise<void> {
  for (const file of files) {
    let bytes = await readNext(connection, file, deadline);
    if (bytes === 0) continue;
    const size = await sizeOfFile(connection, file.handle, file.position, deadline.step(callMs));
    while (bytes > 0 && file.position < size) bytes = await readNext(connection, file, deadline);
  }
}

/** Starts removing the files of the command, which may still be open. @returns the process id */
export async function removeFiles(connection: AgentConnection, name: string): Promise<number> {
  const paths = outputPlaces.map((place) => `${place}/${name}`);
  const args = { path: '/bin/sh', arg: ['-c', assetText('guest/agent/remove.sh'), 'sh', ...paths] };
  return spawn(connection, args, killOptions);
}

/** Makes the agent release what it keeps for a command: open files, and the status of the helper. */
export async function forget(
  connection: AgentConnection,
  helper: number,
  files: readonly OutputFile[],
): Promise<void> {
  for (const { handle } of files) await closeFile(connection, handle, killOptions);
  await reap(connection, helper);
}

/** The error for a guest in which all these directories are full or read-only. */
export function noPlace(exitCode: number | null): KameError {
  return new KameError(
    'GUEST_FAILED',
    `The output of the command cannot be stored in the guest (tried ${outputPlaces.join(', ')}; exit code ${exitCode}).`,
  );
}
