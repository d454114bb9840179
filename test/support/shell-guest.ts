import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  createReadStream,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { FakeHandler, FakeReply } from './fake-agent.ts';
import type { TransferGuest } from './fake-engine/transfer.ts';

const agentCommands = [
  'guest-ping',
  'guest-info',
  'guest-exec',
  'guest-exec-status',
  'guest-file-open',
  'guest-file-read',
  'guest-file-write',
  'guest-file-flush',
  'guest-file-seek',
  'guest-file-close',
];

/**
 * A guest whose programs are processes of this host, in a tree of their own: every path has `root` before it, and what is
 * plugged into its engine appears in the tree's /sys and /dev.
 */
export class ShellGuest implements TransferGuest {
  readonly root: string;
  readonly #commands: readonly string[];
  readonly #processes = new Map<number, ChildProcess>();
  readonly #disks = new Map<string, string>();
  /** Models of the disks that were plugged in, in order. */
  readonly disksSeen: string[] = [];
  /** A program with this word is not run. */
  refused: string | undefined;

  /** @param without commands that its agent says it does not have */
  constructor(root: string, without: readonly string[] = []) {
    this.root = root;
    this.#commands = agentCommands.filter((name) => !without.includes(name));
    for (const name of ['root', 'tmp', 'var/tmp', 'run', 'dev', 'sys/block', 'sys/class/virtio-ports'])
      mkdirSync(join(root, name), { recursive: true });
    onTestFinished(() => this.#end());
  }

  /** Ends the programs that still run: their machine is gone. */
  #end(): void {
    for (const child of this.#processes.values()) {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue;
      // With its children: exec.sh makes a group.
      spawnSync('kill', ['-KILL', '--', `-${child.pid}`]);
      child.kill('SIGKILL');
    }
  }

  diskCame(model: string, file: string): void {
    const name = `sd${String.fromCharCode(97 + this.disksSeen.length)}`;
    this.disksSeen.push(model);
    this.#disks.set(model, name);
    symlinkSync(file, join(this.root, 'dev', name));
    mkdirSync(join(this.root, 'sys/block', name, 'device'), { recursive: true });
    writeFileSync(join(this.root, 'sys/block', name, 'device/model'), `${model.padEnd(16)}\n`);
  }

  diskWent(model: string): void {
    const name = this.#disks.get(model) ?? '';
    this.#disks.delete(model);
    rmSync(join(this.root, 'sys/block', name), { recursive: true });
    rmSync(join(this.root, 'dev', name));
  }

  portCame(name: string, host: Parameters<TransferGuest['portCame']>[1]): void {
    const path = join(this.root, 'dev/vport9p1');
    spawnSync('mkfifo', [path]);
    const port = createReadStream(path);
    port.on('data', (chunk) => void host()?.write(chunk));
    port.on('error', () => undefined);
    mkdirSync(join(this.root, 'sys/class/virtio-ports/vport9p1'));
    writeFileSync(join(this.root, 'sys/class/virtio-ports/vport9p1/name'), `${name}\n`);
  }

  portWent(): void {
    // A reader of a pipe that nobody has opened yet waits for it.
    spawnSync('sh', ['-c', 'exec 3<> "$1"', 'sh', join(this.root, 'dev/vport9p1')]);
    rmSync(join(this.root, 'dev/vport9p1'), { force: true });
    rmSync(join(this.root, 'sys/class/virtio-ports/vport9p1'), { recursive: true, force: true });
  }

  /** What its agent does. */
  get handlers(): Record<string, FakeHandler> {
    const done = (): FakeReply => ({ value: {} });
    return {
      'guest-info': () => ({
        value: {
          version: '7.2.22',
          supported_commands: this.#commands.map((name) => ({ name, enabled: true })),
        },
      }),
      'guest-exec': ({ arg }) => this.#spawn(arg as string[]),
      'guest-exec-status': ({ pid }) => this.#status(Number(pid)),
      'guest-file-open': ({ path, mode }) => this.#open(String(path), String(mode)),
      'guest-file-read': ({ handle, count }) => {
        const buffer = Buffer.alloc(Number(count));
        const got = readSync(Number(handle), buffer);
        return {
          value: { count: got, 'buf-b64': buffer.subarray(0, got).toString('base64'), eof: got === 0 },
        };
      },
      'guest-file-write': ({ handle, 'buf-b64': text }) => ({
        value: { count: writeSync(Number(handle), Buffer.from(String(text), 'base64')), eof: false },
      }),
      'guest-file-flush': done,
      'guest-file-seek': ({ handle, offset, whence }) => ({
        value: { position: whence === 'end' ? fstatSync(Number(handle)).size : Number(offset), eof: false },
      }),
      'guest-file-close': ({ handle }) => {
        closeSync(Number(handle));
        return done();
      },
    };
  }

  /** A word of a command, with the paths of the guest in it. */
  #inTree(word: string): string {
    if (word.startsWith('#!')) {
      return word
        .replaceAll(/\/(sys|dev)\/(?!null)/g, `${this.root}/$1/`)
        .replaceAll(/ (\/var)?\/tmp\//g, ` ${this.root}$1/tmp/`)
        .replaceAll('cd ~root', `cd ${this.root}/root`)
        .replaceAll(/\[ -[bc] /g, '[ -e ');
    }
    // A path that a program of this host has told is in the tree already.
    if (word === '/bin/sh' || !word.startsWith('/') || word.startsWith(this.root)) return word;
    return word.replaceAll(/(^| )\//g, `$1${this.root}/`);
  }

  #spawn(words: readonly string[]): FakeReply {
    if (this.refused !== undefined && words.includes(this.refused))
      return { error: { class: 'GenericError', desc: `The guest runs no ${this.refused}` } };
    const child = spawn(
      '/bin/sh',
      words.map((word) => this.#inTree(word)),
      { stdio: 'ignore' },
    );
    this.#processes.set(child.pid ?? 0, child);
    return { value: { pid: child.pid ?? 0 } };
  }

  #status(pid: number): FakeReply {
    const child = this.#processes.get(pid);
    if (!child) return { error: { class: 'GenericError', desc: `PID ${pid} does not exist` } };
    const exited = child.exitCode !== null || child.signalCode !== null;
    const signal = child.signalCode === null ? {} : { signal: 15 };
    return { value: { exited, ...(child.exitCode === null ? signal : { exitcode: child.exitCode }) } };
  }

  #open(path: string, mode: string): FakeReply {
    try {
      return { value: openSync(path.startsWith(this.root) ? path : join(this.root, path), mode) };
    } catch (error) {
      return { error: { class: 'GenericError', desc: String(error) } };
    }
  }
}
