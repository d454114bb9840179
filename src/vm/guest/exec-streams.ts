import type { Progress } from '../../core/progress.ts';
import type { TerminalSize } from '../../guest/tools/messages.ts';

/** What runs a command in the guest: kame-tools or the guest agent. */
export type Through = 'tools' | 'agent';

/** What can be done to a command that runs. */
export interface CommandControls {
  signal(number: number): void;
  resize(size: TerminalSize): void;
}

export interface ExecStreams {
  readonly stdin?: AsyncIterable<Buffer>;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => Promise<void>;
  /** Called when it is known what runs the command; the guest agent gives no controls. */
  readonly onStarted?: (through: Through, controls?: CommandControls) => void;
  readonly signal: AbortSignal;
  /** Told when the guest agent does not answer for 2 s. */
  readonly report?: Progress['report'];
}

/** How a command has ended: one of the two is a number. */
export interface CommandEnd {
  readonly exitCode: number | null;
  readonly signal: number | null;
}
