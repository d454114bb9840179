import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { poll } from '../../src/core/deadline.ts';
import { createNodeClient, type KameClient } from '../../src/client/node/client.ts';
import { usualNetwork } from '../../src/model/network-defaults.ts';
import { homeNames } from '../../src/store/names.ts';
import { printNetworks } from '../../src/store/networks-file.ts';
import { readProcessStat } from '../../src/sys/process-stat.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Where the programs are built. KAME_TEST_DIST moves it, so that a second run does not build under the feet of the first. */
export const builtIn = process.env['KAME_TEST_DIST'] ?? join(root, 'dist');
export const kameProgram = join(builtIn, 'kame.cjs');
const vmrunProgram = join(builtIn, 'vmrun.cjs');

/** Where the tiny images of all tests are kept: built once, linked into each home. */
export function sharedTiny(arch: 'aarch64' | 'x86_64'): { cacheDir: string; outDir: string } {
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  return { cacheDir: join(cache, 'debian'), outDir: join(cache, `tiny-${arch}`) };
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that may still run. */
export interface RunningCommand {
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

export interface HomeOptions {
  /** Added to the environment of every command, and so of the daemon. */
  readonly env?: Readonly<Record<string, string>>;
  /** A directory for the home, such as one on a small file system. */
  readonly parent?: string;
}

/** A KAME_HOME of a test's own, with the tiny images in it. Disposing ends all that runs there and removes it. */
export class TestHome implements AsyncDisposable {
  #kept = false;
  #path: string;
  readonly env: Readonly<Record<string, string>>;

  constructor(path: string, env: Readonly<Record<string, string>>) {
    this.#path = path;
    this.env = { ...env, KAME_HOME: path };
  }

  /** Its real path, which `moveTo` changes. */
  get path(): string {
    return this.#path;
  }

  /** Renames the directory. KAME_HOME stays what it was, a link from now on. No daemon and no machine may run. */
  async moveTo(path: string): Promise<void> {
    const { KAME_HOME: link = this.#path } = this.env;
    await rename(this.#path, path);
    this.#path = path;
    // The link of an earlier move.
    await rm(link, { force: true });
    await symlink(path, link);
  }

  /** Runs the built `kame` as a user would. */
  async kame(args: readonly string[], options: { input?: string | Buffer } = {}): Promise<CommandResult> {
    return await this.#run([kameProgram, ...args], options.input);
  }

  async #run(args: readonly string[], input?: string | Buffer): Promise<CommandResult> {
    const options = { reject: false, env: this.env, timeout: 240_000, stripFinalNewline: false } as const;
    const result = await execa(process.execPath, args, { ...options, input: input ?? '' });
    return { code: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
  }

  /** Runs the built `vmrun` as a script would. */
  async vmrun(...args: string[]): Promise<CommandResult> {
    return await this.#run([vmrunProgram, ...args]);
  }

  /** Starts a command and does not wait for it. */
  begin(args: readonly string[]): RunningCommand {
    const child = spawn(process.execPath, [kameProgram, ...args], {
      env: { ...process.env, ...this.env },
      stdio: 'ignore',
    });
    const ended = once(child, 'exit').then(([code]) => code as number | null);
    return { ended, kill: (signal) => child.kill(signal) };
  }

  /** Runs `kame … --json` that must succeed; what it prints, parsed. */
  async json<T>(...args: string[]): Promise<T> {
    const end = args.indexOf('--');
    const words = end < 0 ? [...args, '--json'] : [...args.slice(0, end), '--json', ...args.slice(end)];
    const { code, stdout, stderr } = await this.kame(words);
    if (code !== 0) throw new Error(`kame ${words.join(' ')} ended with ${code}:\n${stderr}${stdout}`);
    return JSON.parse(stdout) as T;
  }

  /** Runs a shell line in a guest; its standard output. */
  async sh(machine: string, line: string): Promise<string> {
    let [stdout, stderr] = ['', ''];
    const { exitCode } = await this.ask(
      async (client) =>
        await client.machines.exec(
          machine,
          { command: ['sh', '-c', line] },
          {
            output: (stream, data) => {
              if (stream === 'stdout') stdout += Buffer.from(data).toString();
              else stderr += Buffer.from(data).toString();
              return Promise.resolve();
            },
          },
        ),
    );
    if (exitCode !== 0) throw new Error(`In ${machine}, "${line}" ended with ${exitCode}: ${stderr}`);
    return stdout;
  }

  /** The API, as another program would use it. No daemon is started by it. */
  client(): KameClient {
    return createNodeClient({ env: this.env });
  }

  /** Asks the API, which is quicker than a command; where no daemon runs, a command starts one. */
  async ask<T>(question: (client: KameClient) => Promise<T>): Promise<T> {
    const client = this.client();
    if (!(await client.daemonStatus()).running) await this.json('daemon', 'start');
    return await question(client);
  }

  async daemonPid(): Promise<number | undefined> {
    return (await this.client().daemonStatus()).pid ?? undefined;
  }

  /** Kills the daemon at once and waits until it is gone. */
  async killDaemon(): Promise<void> {
    const pid = await this.daemonPid();
    if (pid === undefined) return;
    process.kill(pid, 'SIGKILL');
    await waitForExit(pid);
  }

  /** Pids of the engines that run for this home: their command lines name its run directory. */
  async engines(): Promise<number[]> {
    return await pidsWith(`-pidfile ${this.path}/`);
  }

  /** Pids of the switches and NATs of its networks. */
  async networkProcesses(): Promise<number[]> {
    return await pidsWith(join(this.path, 'run', 'net-'));
  }

  /** What is in the run directory, once the networks have ended, which takes a moment if no machine runs. */
  async runDirectories(): Promise<string[]> {
    const list = async () => await readdir(join(this.path, 'run')).catch(() => []);
    const empty = async () => ((await list()).length === 0 ? true : undefined);
    await poll(empty, { deadlineMs: 10_000 });
    return await list();
  }

  async #processes(): Promise<number[]> {
    return [...(await this.engines()), ...(await this.networkProcesses())];
  }

  /** Makes disposal keep the files for inspection. */
  keepFiles(): void {
    this.#kept = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Named after the home's inode, so asked for while there is one.
    const { ram } = homeNames(this.path);
    try {
      await this.client().stopDaemon();
    } finally {
      for (const pid of await this.#processes()) process.kill(pid, 'SIGKILL');
      await poll(async () => ((await this.#processes()).length === 0 ? true : undefined), {
        deadlineMs: 10_000,
      });
      // What engines that were killed had for RAM is not in the home itself. It is removed while the home keeps its inode
      // number: afterwards, another test's home may have it, and so the same directory.
      await rm(ram, { recursive: true, force: true });
      if (!this.#kept)
        for (const path of [this.path, this.env['KAME_HOME'] ?? this.path])
          await rm(path, { recursive: true, force: true });
    }
  }
}

/** Pids of living processes whose command lines contain a text. */
async function pidsWith(text: string): Promise<number[]> {
  const { stdout } = await execa('ps', ['-axo', 'pid=,stat=,args='], { maxBuffer: 64 * 1024 * 1024 });
  return stdout
    .split('\n')
    .filter((line) => line.includes(text) && !/^\s*\d+\s+Z/.test(line))
    .map((line) => Number.parseInt(line, 10));
}

/** Waits until a process has ended. */
export async function waitForExit(pid: number): Promise<void> {
  const gone = await poll(
    async () => {
      const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
      return stat === '' || readProcessStat(stat).hasEnded || undefined;
    },
    { deadlineMs: 10_000 },
  );
  if (!gone) throw new Error(`Process ${pid} did not end within 10 s.`);
}

/** Makes a home. Its path is short, because it contains sockets. */
export async function useHome(options: HomeOptions = {}): Promise<TestHome> {
  const path = await mkdtemp(join(options.parent ?? '/tmp', 'kame-'));
  await mkdir(join(path, 'images'), { mode: 0o700 });
  for (const arch of ['aarch64', 'x86_64'] as const) {
    const { outDir } = sharedTiny(arch);
    if (existsSync(outDir)) await symlink(outDir, join(path, 'images', `tiny-${arch}`));
  }
  await writeFile(join(path, 'networks.json'), usualNetworks, { mode: 0o600 });
  return new TestHome(path, options.env ?? {});
}

/** A guest that goes on in another home finds the subnets there that it knows. */
const usualNetworks = printNetworks(
  [
    usualNetwork('vmnet1', 'hostonly', '192.168.201.0/24'),
    usualNetwork('vmnet8', 'nat', '192.168.208.0/24'),
  ].map((network) => ({ network, name: network.name, broken: null })),
);
