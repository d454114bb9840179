import { KameError } from '../../core/errors.ts';
import { assetText } from '../../sys/assets.ts';
import type { AgentConnection } from './connection.ts';
import { closeFile, openFile, readChunk } from './files.ts';
import { callOptions, killOptions, reap, spawn } from './guest-process.ts';

// What a program in the guest says, while it runs: by way of files there.

export interface OutputOptions {
  readonly onStdout?: ((chunk: Buffer) => void | Promise<void>) | undefined;
  readonly onStderr?: ((chunk: Buffer) => void | Promise<void>) | undefined;
}

/** Where the output may be in the guest, in order: a disk first, so that much output does not fill its memory. */
export const outputPlaces = ['/tmp', '/var/tmp', '/dev/shm', '/run'] as const;

export interface OutputFile {
  readonly handle: number;
  readonly deliver: OutputOptions['onStdout'];
}

/** Opens the command's two output files, wherever exec.sh could make them; undefined while they are not there. */
export async function openOutputs(
  connection: AgentConnection,
  name: string,
  { onStdout, onStderr }: OutputOptions,
): Promise<OutputFile[] | undefined> {
  for (const place of outputPlaces) {
    try {
      // `r` is made last: where it is, the others are.
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

/** Hands over what has come since the last look, one chunk of each stream; returns the number of bytes. */
export async function drain(connection: AgentConnection, files: readonly OutputFile[]): Promise<number> {
  let bytes = 0;
  for (const file of files) {
    const chunk = await readChunk(connection, file.handle, callOptions);
    bytes += chunk.length;
    if (chunk.length > 0) await file.deliver?.(chunk);
  }
  return bytes;
}

/** Begins to remove the command's files; open ones may go too. */
export async function removeFiles(connection: AgentConnection, name: string): Promise<number> {
  const paths = outputPlaces.map((place) => `${place}/${name}`);
  const args = { path: '/bin/sh', arg: ['-c', assetText('guest/agent/remove.sh'), 'sh', ...paths] };
  return spawn(connection, args, killOptions);
}

/** Has the agent forget what it keeps of a command: open files, and the helper's end. */
export async function forget(
  connection: AgentConnection,
  helper: number,
  files: readonly OutputFile[],
): Promise<void> {
  for (const { handle } of files) await closeFile(connection, handle, callOptions);
  await reap(connection, helper);
}

/** The error for a guest whose every place is full or read-only. */
export function noPlace(exitCode: number | null): KameError {
  return new KameError(
    'GUEST_FAILED',
    `The guest has no place for the command's output (tried ${outputPlaces.join(', ')}; exit status ${exitCode}).`,
  );
}
