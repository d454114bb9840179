import type { ExecRequest } from '../../api/messages.ts';
import { Deadline } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { ExecResult } from '../../guest/agent/exec.ts';
import { within } from '../../guest/agent/wait.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { runningMachine } from '../host/state.ts';

export interface ExecStreams {
  readonly stdin?: AsyncIterable<Buffer>;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => Promise<void>;
  readonly signal: AbortSignal;
  /** Told when the guest agent does not answer for 2 s. */
  readonly report?: Progress['report'];
}

/** Limit for the input, in bytes: the guest agent takes all of it in one request. */
const maxInputBytes = 8 * 1024 * 1024;

/** All of standard input. @throws KameError INVALID_VALUE if it is too large, GUEST_TIMEOUT, CANCELLED */
async function collect(stdin: AsyncIterable<Buffer>, deadline: Deadline): Promise<Buffer> {
  return await within(readAll(stdin), {
    ms: deadline.leftMs,
    signal: deadline.signal,
    what: 'Reading standard input',
    onTimeout: () =>
      new KameError('GUEST_TIMEOUT', 'Standard input did not end in time, so the command was not started.', {
        next: 'Raise --timeout, or use --no-stdin if the command needs no input.',
      }),
  });
}

async function readAll(stdin: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    bytes += chunk.length;
    if (bytes > maxInputBytes) {
      throw new KameError(
        'INVALID_VALUE',
        `Standard input is larger than the limit of ${maxInputBytes} bytes.`,
        {
          next: 'Put large data on a disk, or download it in the guest.',
        },
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @throws KameError WRONG_STATE when the machine is paused, GUEST_AGENT_MISSING when the agent does not answer */
export function refuseWithoutAgent(machine: Running): void {
  if (machine.state === 'paused') {
    throw new KameError('WRONG_STATE', `${machine.name} is paused, so its guest agent cannot answer.`, {
      next: `kame unpause ${machine.name} resumes it.`,
      details: { machine: machine.name },
    });
  }
  if (!machine.agentAnswers) {
    throw new KameError('GUEST_AGENT_MISSING', `The guest agent of ${machine.name} does not answer.`, {
      details: { machine: machine.name },
    });
  }
}

/**
 * Runs a command in the guest and streams its output.
 * @throws KameError WRONG_STATE, GUEST_AGENT_MISSING, GUEST_TIMEOUT, CANCELLED, INVALID_VALUE
 */
export async function execute(
  host: Host,
  reference: string,
  request: ExecRequest,
  streams: ExecStreams,
): Promise<ExecResult> {
  const machine = await runningMachine(host, reference);
  refuseWithoutAgent(machine);
  const [path = '', ...args] = request.command;
  const { signal, report = () => undefined } = streams;
  const deadline = new Deadline(request.timeoutMs ?? Infinity, { signal, report });
  const input = streams.stdin ? await collect(streams.stdin, deadline) : undefined;
  return await machine.channels.agent.exec({
    path,
    args,
    signal,
    report,
    onStdout: async (chunk) => await streams.onOutput('stdout', chunk),
    onStderr: async (chunk) => await streams.onOutput('stderr', chunk),
    ...(request.env ? { env: request.env } : {}),
    ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs, deadline }),
    ...(input ? { input } : {}),
  });
}
