import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, existsSync, mkdirSync, openSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { run } from './cli-run.ts';

/** Real shells with the completion of `kame`. The command line is asked in this process: its sources take long to load. */

/** Answers what comes through a named pipe, the words of a question between NULs, through another one. */
function serveCompletions(question: string, answer: string): void {
  execFileSync('mkfifo', [question, answer]);
  // Opened for writing too, so that it never ends.
  const socket = new Socket({ fd: openSync(question, constants.O_RDWR | constants.O_NONBLOCK) });
  let received = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    received += chunk;
    if (!received.endsWith('\n')) return;
    const words = received.split('\0').slice(0, -1);
    received = '';
    void run(['__complete', ...words]).then(async ({ stdout }) => await writeFile(answer, stdout));
  });
  onTestFinished(() => void socket.destroy());
}

interface Shell {
  readonly command: readonly [string, ...string[]];
  /** Where the script is written, and what stands around it. */
  readonly script: string;
  readonly around: (script: string) => string;
  /** It completes only on a terminal. */
  readonly terminal: boolean;
}

const shells = {
  bash: {
    command: ['bash', '--noprofile', '--rcfile', '.hidden/up', '-i'],
    script: '.hidden/up',
    around: (script) => script,
    terminal: false,
  },
  zsh: {
    command: ['zsh', '-i'],
    script: '.hidden/.zshrc',
    around: (script) => `autoload -U compinit; compinit -u -D\n${script}`,
    terminal: true,
  },
  fish: {
    command: ['fish', '-i'],
    script: '.hidden/fish/completions/kame.fish',
    around: (script) => script,
    terminal: true,
  },
} as const satisfies Readonly<Record<string, Shell>>;

export type ShellName = keyof typeof shells;

/** `script` gives a program a terminal. Its arguments are those of Linux. */
function commandOf(shell: Shell): readonly [string, ...string[]] {
  return shell.terminal ? ['script', '-qec', shell.command.join(' '), '/dev/null'] : shell.command;
}

/** The commands that `kame` got so far. */
function rowsOf(output: string): string[][] {
  if (!existsSync(output)) return [];
  const rows = readFileSync(output, 'utf8').split('\n').slice(0, -1);
  return rows.map((line) => line.split('\0').slice(0, -1));
}

/** Waits for that many commands, or for the end of the shell. */
async function rowsReach(count: number, output: string, closed: Promise<unknown>): Promise<void> {
  const watcher = watch(join(output, '..'));
  const reached = new Promise<void>((resolve) => {
    const look = () => void (rowsOf(output).length >= count && resolve());
    watcher.on('change', look);
    look();
  });
  await Promise.race([reached, closed]);
  watcher.close();
}

/** Where a shell finds its files and `kame`, in a hidden directory. */
function environmentOf(hidden: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${join(hidden, 'bin')}:${process.env['PATH'] ?? ''}`,
    HOME: hidden,
    ZDOTDIR: hidden,
    XDG_CONFIG_HOME: hidden,
    XDG_DATA_HOME: hidden,
    TERM: 'dumb',
    LC_ALL: 'C.UTF-8',
    INPUTRC: '/dev/null',
    HISTFILE: '',
  };
}

/** Makes the files of a shell, and a `kame` that asks this process for completions and writes down its other arguments. */
async function setUp(name: ShellName, directory: string, output: string): Promise<void> {
  const hidden = join(directory, '.hidden');
  const { script, around } = shells[name];
  for (const path of [join(hidden, 'bin'), join(output, '..'), join(directory, script, '..')])
    mkdirSync(path, { recursive: true });
  const [question, answer] = [join(hidden, 'question'), join(hidden, 'answer')];
  serveCompletions(question, answer);
  writeFileSync(join(directory, script), around((await run(['completion', name])).stdout));
  const kame = `#!/bin/sh
if [ "$1" = __complete ]; then
  shift
  { printf '%s\\0' "$@"; echo; } >'${question}'
  exec cat '${answer}'
fi
{ printf '%s\\0' "$@"; echo; } >>'${output}'
`;
  writeFileSync(join(hidden, 'bin', 'kame'), kame, { mode: 0o755 });
}

/**
 * Types lines, with a tab at the end of each, into a real shell.
 * @param files names of files in its directory
 * @returns the arguments that `kame` then gets, line by line
 */
export async function typed(
  name: ShellName,
  directory: string,
  lines: readonly string[],
  files: readonly string[] = [],
): Promise<string[][]> {
  const hidden = join(directory, '.hidden');
  const output = join(hidden, 'output', 'rows');
  for (const file of files) writeFileSync(join(directory, file), '');
  await setUp(name, directory, output);
  const [command, ...args] = commandOf(shells[name]);
  const child = spawn(command, args, {
    cwd: directory,
    env: environmentOf(hidden),
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const closed = once(child, 'close');
  onTestFinished(() => void child.kill('SIGKILL'));
  for (const [number, line] of lines.entries()) {
    child.stdin.write(`${line}\t\n`);
    await rowsReach(number + 1, output, closed);
  }
  child.stdin.end('exit\n');
  await closed;
  return rowsOf(output);
}
