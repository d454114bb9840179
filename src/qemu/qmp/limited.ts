import type { KameError } from '../../core/errors.ts';
import { patiently, type Progress } from '../../core/progress.ts';
import type { ExecuteArguments, ExecuteOptions, QmpClient } from './client.ts';
import type { Commands, Events } from './generated/protocol.ts';

/** What the functions of this folder need of a monitor. */
export type Qmp = Pick<QmpClient, 'execute' | 'on' | 'closed' | 'version' | 'silent'> & AsyncDisposable;

/** A monitor as one operation uses it: the operation's signal cancels every command, and a late reply is reported. */
export class LimitedQmp implements Qmp {
  readonly #qmp: Qmp;
  readonly #progress: Progress;
  readonly #machine: string;

  constructor(qmp: Qmp, machine: string, progress: Progress) {
    this.#qmp = qmp;
    this.#progress = progress;
    this.#machine = machine;
  }

  get closed(): Promise<KameError> {
    return this.#qmp.closed;
  }

  get version(): Qmp['version'] {
    return this.#qmp.version;
  }

  get silent(): boolean {
    return this.#qmp.silent;
  }

  async execute<C extends keyof Commands>(
    command: C,
    ...[args, options]: ExecuteArguments<C>
  ): Promise<Commands[C]['result']> {
    const limits: ExecuteOptions = { signal: this.#progress.signal, ...options };
    const reply = this.#qmp.execute(command, ...([args, limits] as unknown as ExecuteArguments<C>));
    return await patiently(this.#progress, `the engine of ${this.#machine}`, reply);
  }

  on<E extends keyof Events>(event: E, listener: (data: Events[E], at: Date) => void): Disposable {
    return this.#qmp.on(event, listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#qmp[Symbol.asyncDispose]();
  }
}
