import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { errorToBody } from '../api/error-body.ts';
import type { TaskOptions } from '../client/core/options.ts';
import { createNodeClient, type KameClient } from '../client/node/client.ts';
import { KameError } from '../core/errors.ts';
import { patiently } from '../core/progress.ts';
import { hasColours, type CliContext } from './context.ts';
import { ProgressLine } from './progress-line.ts';
import { tableLines, type Cell } from './table.ts';
import { indent, toJson, visible, visibleLines } from './text.ts';

const interrupts = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const colourCodes = { bold: 1, red: 31, green: 32, yellow: 33, dim: 2 } as const;
export type Colour = keyof typeof colourCodes;

/** An operation on one of several machines. */
type Work<T> = (name: string, options: TaskOptions) => Promise<T>;

/** One run of a command: its output, its client and its exit code. */
export class Session {
  readonly context: CliContext;
  readonly json: boolean;
  exitCode = 0;
  #client: KameClient | undefined;
  #interrupted: AbortController | undefined;
  readonly #onInterrupt = () => this.#interrupt();

  constructor(context: CliContext, options: { json: boolean }) {
    this.context = context;
    this.json = options.json;
  }

  /** A client that starts the daemon if none is running. */
  get client(): KameClient {
    this.#client ??= createNodeClient({ env: this.context.env, daemon: this.context.daemon });
    return this.#client;
  }

  /** A client that never starts a daemon. */
  passiveClient(): KameClient {
    return createNodeClient({ env: this.context.env });
  }

  /** Fires at the first Ctrl-C, which cancels. The second one ends the process, since nothing handles it. */
  get signal(): AbortSignal {
    if (!this.#interrupted) {
      this.#interrupted = new AbortController();
      for (const name of interrupts) this.context.signals.on(name, this.#onInterrupt);
    }
    return this.#interrupted.signal;
  }

  close(): void {
    for (const name of interrupts) this.context.signals.off(name, this.#onInterrupt);
  }

  #interrupt(): void {
    this.close();
    this.#interrupted?.abort();
  }

  /** Whether the user has pressed Ctrl-C. */
  get cancelled(): boolean {
    return this.#interrupted?.signal.aborted ?? false;
  }

  paint(colour: Colour): ((text: string) => string) | undefined {
    if (!hasColours(this.context.stdout, this.context.env)) return undefined;
    return (text) => `\u001b[${colourCodes[colour]}m${text}\u001b[0m`;
  }

  /** Prints a line. A line break in it, as in a label that another program wrote, is shown and cannot begin another line. */
  print(text: string): void {
    this.context.stdout.write(`${visible(text)}\n`);
  }

  /** Prints a text of several lines. */
  printLines(text: string): void {
    this.context.stdout.write(`${visibleLines(text)}\n`);
  }

  printJson(value: unknown): void {
    this.context.stdout.write(`${toJson(value, 2)}\n`);
  }

  /** Prints a JSON value on one line, for streams. */
  printJsonLine(value: unknown): void {
    this.context.stdout.write(`${toJson(value)}\n`);
  }

  printTable(head: readonly string[], rows: readonly (readonly (Cell | string)[])[]): void {
    const bold = this.paint('bold');
    const lines = tableLines([head.map((text) => ({ text, paint: bold })), ...rows]);
    this.context.stdout.write(`${lines.join('\n')}\n`);
  }

  /** Prints names and values, one pair per line. */
  printPairs(pairs: readonly (readonly [string, Cell | string])[]): void {
    this.context.stdout.write(`${tableLines(pairs).join('\n')}\n`);
  }

  /** Prints a note on standard error, one line for each text, unless the output is JSON. */
  note(...lines: readonly string[]): void {
    if (!this.json) this.context.stderr.write(lines.map((line) => `${visible(line)}\n`).join(''));
  }

  /** Prints an error and what to do about it. The highest exit code of a session wins. */
  fail(error: unknown, subject?: string): void {
    const body = errorToBody(error);
    const known = error instanceof KameError ? error : new KameError('INTERNAL', body.message);
    this.exitCode = Math.max(this.exitCode, known.kind.exit);
    if (this.json) {
      this.context.stderr.write(`${toJson(body, 2)}\n`);
      return;
    }
    const about = subject === undefined || body.message.includes(subject) ? '' : `${subject}: `;
    const [first = '', ...more] = `${about}${body.message}`.split('\n');
    const lines = [`kame: ${first}`];
    if (more.length > 0) lines.push(indent(more.join('\n')));
    if (body.next !== '') lines.push(indent(body.next));
    this.context.stderr.write(`${visibleLines(lines.join('\n'))}\n`);
  }

  /** Runs a long operation and shows its progress. */
  async task<T>(label: string, work: (options: TaskOptions) => Promise<T>): Promise<T> {
    const line = new ProgressLine(this.context, label, { silent: this.json });
    try {
      return await work({ signal: this.signal, onProgress: (report) => line.report(report) });
    } finally {
      line.end();
    }
  }

  /** Waits for a reply without progress of its own, and says what it waits for if that takes more than 2 s. */
  async wait<T>(name: string, what: string, reply: Promise<T>): Promise<T> {
    const line = new ProgressLine(this.context, name, { silent: this.json });
    try {
      return await patiently(line, what, reply);
    } finally {
      line.end();
    }
  }

  /**
   * Runs an operation on several machines, one after the other. An error does not stop the others. As JSON, one name
   * prints an object, and several names print an array of the results that succeeded.
   * @param instead what to do instead after an error, such as once a question is answered; undefined for nothing
   */
  async each<T>(
    names: readonly string[],
    work: Work<T>,
    text: (result: T) => string | { readonly lines: string },
    instead: (error: unknown) => Promise<Work<T> | undefined> = () => Promise.resolve(undefined),
  ): Promise<void> {
    const results: T[] = [];
    for (const name of names) {
      if (this.cancelled) break;
      try {
        const run = async (way: Work<T>) =>
          await this.task(name, (options) => way(this.machine(name), options));
        const result = await run(work).catch(async (error: unknown) => {
          const other = await instead(error);
          if (!other) throw error;
          return await run(other);
        });
        results.push(result);
        if (!this.json) this.#printEach(text(result));
      } catch (error) {
        this.fail(error, names.length > 1 ? name : undefined);
      }
    }
    if (!this.json) return;
    if (names.length > 1) this.printJson(results);
    else if (results.length > 0) this.printJson(results[0]);
  }

  #printEach(text: string | { readonly lines: string }): void {
    if (typeof text === 'string') this.print(text);
    else this.printLines(text.lines);
  }

  /** An absolute path, since the daemon has another working directory. */
  path(text: string): string {
    return resolve(this.context.cwd, text);
  }

  /**
   * The reference to a machine that is sent to the daemon: the path of a `.vmx` or a bundle becomes absolute.
   * @throws KameError USAGE for an empty one, as of a variable of a script that is not set
   */
  machine(text: string): string {
    if (text === '')
      throw new KameError('USAGE', 'The name of the machine is empty.', {
        next: '`kame list` shows the machines.',
      });
    if (isAbsolute(text)) return text;
    const isFile = /\.(?:vmx|vmwarevm)\/?$/i.test(text) && existsSync(this.path(text));
    return isFile || text.includes('/') ? this.path(text) : text;
  }
}
