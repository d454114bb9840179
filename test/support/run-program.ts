import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shellQuote } from '../../src/core/shell-word.ts';

/**
 * A shell that starts programs for this process. To start one from here takes some 30 ms of processor time, since the page
 * tables of a large process are copied; to start one from a small shell takes one, and tests start a thousand.
 */
class ProgramShell {
  readonly #directory = mkdtempSync(join(tmpdir(), 'kp-'));
  readonly #orders: number;
  readonly #results: number;

  constructor() {
    const [orders, results] = [this.#at('orders'), this.#at('results')];
    execFileSync('mkfifo', [orders, results]);
    // It ends, and removes the directory, after this process has ended, since the pipe then has no writer.
    const loop =
      'exec 3<orders 4>results; while read -r _ <&3; do . ./order; echo $? >&4; done; rm -r "$PWD"';
    const shell = spawn('sh', ['-c', loop], { cwd: this.#directory, detached: true, stdio: 'ignore' });
    shell.unref();
    this.#orders = openSync(orders, 'w');
    this.#results = openSync(results, 'r');
  }

  #at(name: string): string {
    return join(this.#directory, name);
  }

  run(command: readonly string[], cwd: string): { status: number; stdout: string; stderr: string } {
    const program = `cd ${shellQuote(cwd)} && exec ${command.map(shellQuote).join(' ')}`;
    const streams = [
      `</dev/null >${shellQuote(this.#at('out'))} 2>${shellQuote(this.#at('err'))}`,
      '3<&- 4>&-',
    ];
    writeFileSync(this.#at('order'), `(${program}) ${streams.join(' ')}\n`);
    writeSync(this.#orders, '\n');
    const answer = Buffer.alloc(16);
    const length = readSync(this.#results, answer);
    if (length === 0) throw new Error('The shell that runs programs for tests has ended.');
    return {
      status: Number(answer.toString('latin1', 0, length)),
      stdout: readFileSync(this.#at('out'), 'utf8'),
      stderr: readFileSync(this.#at('err'), 'utf8'),
    };
  }
}

let shell: ProgramShell | undefined;

/**
 * Runs a program to its end, with the environment that this process had at the first call.
 * @returns its standard output
 * @throws Error when its exit code is not 0, with what it wrote to standard error
 */
export function runProgram(program: string, args: readonly string[], options: { cwd?: string } = {}): string {
  shell ??= new ProgramShell();
  const { status, stdout, stderr } = shell.run([program, ...args], options.cwd ?? process.cwd());
  if (status !== 0) throw new Error(`Command failed: ${[program, ...args].join(' ')} (${status})\n${stderr}`);
  return stdout;
}
