import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A bare QEMU, without Kame. */
export interface BareCommand {
  readonly binary: string;
  readonly args: readonly string[];
  /** The socket of the port of the guest agent. */
  readonly agentSocket: string;
}

const deadlineMs = 180_000;
const lookEveryMs = 2;
/** Interval for sending a lost request again; an agent that has just started loses none. */
const usualResendMs = 2000;
const endKnownMs = 500;

async function connect(path: string, signal: AbortSignal): Promise<Socket> {
  for (;;) {
    signal.throwIfAborted();
    const socket = createConnection(path);
    try {
      await once(socket, 'connect');
      return socket;
    } catch {
      await sleep(lookEveryMs, undefined, { signal });
    }
  }
}

/**
 * Resolves at the reply to the first ping. QEMU buffers what is written before the guest opens the port, so sending the
 * request immediately is the fastest way.
 */
export async function agentReply(path: string, resendMs: number, signal: AbortSignal): Promise<void> {
  const socket = await connect(path, signal);
  const id = 4711;
  const request = ['guest-sync', 'guest-ping']
    .map((execute) => JSON.stringify(execute === 'guest-sync' ? { execute, arguments: { id } } : { execute }))
    .join('\n');
  const ask = () => socket.write(`${request}\n`);
  const again = setInterval(ask, resendMs);
  try {
    ask();
    let text = '';
    for await (const chunk of socket.iterator({ destroyOnReturn: true }) as AsyncIterable<Buffer>) {
      text += chunk.toString('latin1');
      const [, ...replies] = text.split(`{"return": ${id}}`);
      if (replies.some((rest) => rest.includes('{"return": {}}'))) return;
    }
    throw new Error('The engine closed the port of the guest agent.');
  } finally {
    clearInterval(again);
    socket.destroy();
  }
}

/** A bare engine whose guest agent has responded. */
export interface BareEngine extends AsyncDisposable {
  /** Milliseconds from before the process starts until the first reply of the guest agent. */
  readonly agentMs: number;
}

/** Starts a bare engine and waits until its guest agent responds. Disposing ends it. */
export async function startBare(
  command: BareCommand,
  outer: AbortSignal,
  { resendMs = usualResendMs }: { resendMs?: number } = {},
): Promise<BareEngine> {
  const started = performance.now();
  const child = spawn(command.binary, command.args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const over = new AbortController();
  const signal = AbortSignal.any([outer, over.signal, AbortSignal.timeout(deadlineMs)]);
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-4096)));
  const exited = once(child, 'close');
  const ended = exited.then(() => {
    throw new Error(`The bare engine ended before its guest responded: ${words.trim()}`);
  });
  ended.catch(() => undefined);
  const end = async () => {
    over.abort();
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), 5000);
    await exited.catch(() => undefined);
    clearTimeout(kill);
  };
  try {
    await Promise.race([agentReply(command.agentSocket, resendMs, signal), ended, aborted(signal)]);
    return { agentMs: performance.now() - started, [Symbol.asyncDispose]: end };
  } catch (error) {
    // When an engine ends, its sockets break shortly before the end is reported; its output explains more than they do.
    try {
      await Promise.race([ended, sleep(endKnownMs)]);
    } finally {
      await end();
    }
    throw error;
  }
}

/** Milliseconds from before the process starts until the guest agent has responded. The engine is then ended. */
export async function bareStart(command: BareCommand, signal: AbortSignal): Promise<number> {
  await using engine = await startBare(command, signal);
  return engine.agentMs;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
