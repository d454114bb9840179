import { KameError } from '../../core/errors.ts';
import { assetText } from '../../sys/assets.ts';
import type { AgentConnection } from './connection.ts';
import { closeFile, openFile, readChunk } from './files.ts';
import { callOptions, killOptions, reap, spawn } from './guest-process.ts';

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
}

/** Opens the two output files of the command, wherever exec.sh created them; undefined if they do not exist yet. */
export async function openOutputs(
  connection: AgentConnection,
  name: string,
  { onStdout, onStderr }: OutputOptions,
): Promise<OutputFile[] | undefined> {
  for (const place of outputPlaces) {
    try {
      // `r` is created last: if it exists, so do the others.
      await closeFile(connection, await openFile(connection, `${place}/${name}/r`, callOptions), callOptions);
    } catch (error) {
      if (error instanceof KameError && error.code === 'GUEST_FAILED') continue;
      throw error;
    }
    const out = await openFile(connection, `${place}/${name}/o`, callOptions);
    const err = await openFile(connection, `${place}/${name}/e`, callOptions);
    return [
      { handle: out, deliver: onStdout },
      { handle: err, deliver: onStderr },
    ];
  }
  return undefined;
}

/** Delivers new output, one chunk from each stream; returns the number of bytes. */
export async function drain(connection: AgentConnection, files: readonly OutputFile[]): Promise<number> {
  let bytes = 0;
  for (const file of files) {
    const chunk = await readChunk(connection, file.handle, callOptions);
    bytes += chunk.length;
    if (chunk.length > 0) await file.deliver?.(chunk);
  }
  return bytes;
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
  for (const { handle } of files) await closeFile(connection, handle, callOptions);
  await reap(connection, helper);
}

/** The error for a guest in which all these directories are full or read-only. */
export function noPlace(exitCode: number | null): KameError {
  return new KameError(
    'GUEST_FAILED',
    `The output of the command cannot be stored in the guest (tried ${outputPlaces.join(', ')}; exit code ${exitCode}).`,
  );
}
