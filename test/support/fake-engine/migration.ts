import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';

/** What a fake engine writes as its state. */
export interface FakeState {
  readonly fake: 'state';
  readonly portOpen: boolean;
  readonly frozen: boolean;
  /** What the guest remembers, when its RAM goes with the state. */
  readonly memory: string | null;
}

export function readState(text: string): FakeState | undefined {
  try {
    const value = JSON.parse(text) as FakeState;
    return value.fake === 'state' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The path in `unix:PATH`. */
export function socketOf(uri: unknown): string {
  return String(uri).replace(/^unix:/, '');
}

/** Sends a state to all listeners. */
export async function sendState(path: string, state: FakeState): Promise<void> {
  const socket = createConnection(path);
  await pipeline(Readable.from([JSON.stringify(state)]), socket);
}

/** Listens for one sender; resolves at once with a promise of all that it sends. */
export async function receiveState(
  path: string,
): Promise<{ readonly text: Promise<string>; close: () => void }> {
  rmSync(path, { force: true });
  const server = createServer();
  const text = new Promise<string>((resolve) => {
    server.once('connection', (socket) => {
      server.close();
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.on('error', () => socket.destroy());
      socket.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return { text, close: () => server.close() };
}

/** Where a fake guest keeps what it remembers in its RAM. */
export const memoryAt = 4096;
export const memoryBytes = 256;

/** What stands in a RAM file, as a guest would find it. */
export function memoryIn(path: string): string {
  const file = openSync(path, 'r');
  const bytes = Buffer.alloc(memoryBytes);
  readSync(file, bytes, 0, bytes.length, memoryAt);
  closeSync(file);
  const end = bytes.indexOf(0);
  return bytes.subarray(0, end < 0 ? bytes.length : end).toString('utf8');
}
