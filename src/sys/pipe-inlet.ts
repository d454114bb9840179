import { closeSync, constants, existsSync, lstatSync, openSync, readdirSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { KameError } from '../core/errors.ts';
import { run } from './process.ts';
import { fileError } from './files.ts';

/** A pipe into which another process writes, by a path. */
export interface PipeInlet extends Disposable {
  /** What the other process opens for writing. */
  readonly path: string;
  /** What it writes. Only once: call it when the other process has opened the path, since before there is an end. */
  stream(): Socket;
}

/**
 * Makes a pipe for another process. On Linux its path is in /proc/PID/fd of this one: if this process dies, the path is
 * gone, so that opening it fails. Opening a named pipe without a reader would wait for ever instead.
 * @param path where the pipe may have a name; elsewhere than on Linux it keeps it until it is disposed
 * @throws KameError FILE_ACCESS, DISK_FULL
 */
export async function openInlet(path: string, signal?: AbortSignal): Promise<PipeInlet> {
  rmSync(path, { force: true });
  const made = await run('mkfifo', ['-m', '600', path], signal ? { signal } : {});
  if (made.exitCode !== 0)
    throw new KameError('FILE_ACCESS', `The pipe ${path} could not be made: ${made.stderr.trim()}`);
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    rmSync(path, { force: true });
    throw fileError(error, path);
  }
  const hidden = `/proc/${process.pid}/fd/${fd}`;
  const isHidden = existsSync(hidden);
  if (isHidden) rmSync(path, { force: true });
  let socket: Socket | undefined;
  return {
    path: isHidden ? hidden : path,
    stream: () => (socket ??= new Socket({ fd, readable: true, writable: false })),
    [Symbol.dispose]: () => {
      if (socket) socket.destroy();
      else closeSync(fd);
      rmSync(path, { force: true });
    },
  };
}

/**
 * Opens the pipes that a process which has died left in a directory, and removes their names. Where they have names, another
 * process may be waiting for a reader, and goes on now.
 * @returns what reads them; dispose it when nobody will open them any more
 */
export function openForgotten(directory: string): Disposable {
  const descriptors: number[] = [];
  for (const path of pipesIn(directory)) {
    try {
      descriptors.push(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW));
      rmSync(path, { force: true });
    } catch {
      // It is gone, or not ours to read.
    }
  }
  return { [Symbol.dispose]: () => descriptors.forEach((descriptor) => closeSync(descriptor)) };
}

function pipesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .map((name) => join(directory, name))
      .filter((path) => lstatSync(path).isFIFO());
  } catch {
    return [];
  }
}
