import { KameError } from '../../core/errors.ts';
import type { AgentConnection } from './connection.ts';
import { closeFile, openFile, readChunk } from './files.ts';
import { callOptions, killOptions, reap, spawn } from './guest-process.ts';

// What a program in the guest says, while it runs: by way of files there.

export interface OutputOptions {
  readonly onStdout?: ((chunk: Buffer) => void | Promise<void>) | undefined;
  readonly onStderr?: ((chunk: Buffer) => void | Promise<void>) | undefined;
}

/** Where the output may lie in the guest, in order: a disk first, so that much output does not fill its memory. */
const bases = ['/tmp', '/var/tmp', '/dev/shm', '/run'] as const;

/**
 * The agent returns output only after the end, so a shell puts it in files that are read as they grow. Arguments: name
 * of the directory, number of NAME=VALUE pairs, the pairs, the command. `exec` keeps the process id and the exit
 * status; `setsid` makes a process group, so that a kill takes the children too.
 */
export const wrapper = `umask 077
kame_n=$1; kame_d=; kame_c=$2; shift 2
for kame_b in ${bases.join(' ')}; do
  if mkdir "$kame_b/$kame_n" 2>/dev/null; then kame_d=$kame_b/$kame_n; break; fi
done
[ -n "$kame_d" ] || exit 125
: >"$kame_d/o" && : >"$kame_d/e" && : >"$kame_d/r" || exit 125
while [ "$kame_c" -gt 0 ]; do export "$1"; shift; kame_c=$((kame_c - 1)); done
if command -v setsid >/dev/null 2>&1; then exec setsid "$@" >"$kame_d/o" 2>"$kame_d/e"; fi
exec "$@" >"$kame_d/o" 2>"$kame_d/e"`;

export interface OutputFile {
  readonly handle: number;
  readonly deliver: OutputOptions['onStdout'];
}

/** Opens the command's two output files, wherever the wrapper could make them; undefined while they are not there. */
export async function openOutputs(
  connection: AgentConnection,
  name: string,
  { onStdout, onStderr }: OutputOptions,
): Promise<OutputFile[] | undefined> {
  for (const base of bases) {
    try {
      // `r` is made last: where it is, the others are.
      await closeFile(connection, await openFile(connection, `${base}/${name}/r`, callOptions), callOptions);
    } catch (error) {
      if (error instanceof KameError && error.code === 'GUEST_FAILED') continue;
      throw error;
    }
    const out = await openFile(connection, `${base}/${name}/o`, callOptions);
    const err = await openFile(connection, `${base}/${name}/e`, callOptions);
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
  const paths = bases.map((base) => `${base}/${name}`);
  const args = { path: '/bin/sh', arg: ['-c', 'exec rm -rf -- "$@"', 'sh', ...paths] };
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
    `The guest has no place for the command's output (tried ${bases.join(', ')}; exit status ${exitCode}).`,
  );
}
