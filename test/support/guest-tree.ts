import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import { readSteps } from '../../src/guest/identity/report.ts';
import { identityScript, identityStepNames, type Card } from '../../src/guest/identity/script.ts';
import { useTemporaryDirectory } from './temporary-directory.ts';

// The scripts run here, on this host, in a tree of their own: every path has `root` before it, and programs that reach further are fakes.

let directory: () => string;
const children: ChildProcess[] = [];

/** For a file whose tests make trees: what they make is removed after each. */
export function useTrees(): void {
  directory = useTemporaryDirectory();
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
}

/** A program that a script may end. */
export function victim(): ChildProcess {
  const child = spawn('sleep', ['1000']);
  children.push(child);
  return child;
}

/** The shells of this host that a guest may have, each with its command line. */
export const shells = [['sh'], ['dash'], ['bash'], ['bash', '--posix'], ['busybox', 'sh']]
  .filter(([name = '', ...args]) => spawnSync(name, [...args, '-c', ':']).status === 0)
  .map((shell) => ({ name: shell.join(' '), shell }));

export const oldMac = '00:0c:29:aa:bb:01';
export const newMac = '00:0c:29:cc:dd:02';
export const machineId = '0123456789abcdef0123456789abcdef';

/** A guest's files, and fakes of the programs that would change the host. */
export class Tree {
  readonly root = directory();
  readonly #fakes = join(this.root, 'fakes');
  readonly #log = join(this.root, 'log');

  constructor() {
    for (const name of [
      'date',
      'ip',
      'hostname',
      'systemctl',
      'systemd-run',
      'nmcli',
      'dhcpcd',
      'perl',
      'python3',
    ]) {
      this.fake(name, '');
    }
    this.write('proc/sys/kernel/hostname', 'source\n');
    this.write('dev/urandom', '');
    this.write('etc/hostname', 'source\n');
    this.write('etc/machine-id', `${'f'.repeat(32)}\n`);
    this.write('sys/class/net/lo/address', '00:00:00:00:00:00\n');
    this.card('eth0', oldMac);
  }

  /** A fake program, which writes its arguments to the log; `body` may do more. */
  fake(name: string, body: string): void {
    const text = `#!/bin/sh\necho "${name} $*" >> ${this.#log}\n${body}\n`;
    this.write(`fakes/${name}`, text);
    chmodSync(join(this.#fakes, name), 0o755);
  }

  write(path: string, text: string, mode?: number): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
    if (mode !== undefined) chmodSync(join(this.root, path), mode);
  }

  card(name: string, mac: string): void {
    this.write(`sys/class/net/${name}/address`, `${mac}\n`);
    this.write(`sys/class/net/${name}/ifindex`, '2\n');
    this.write(`sys/class/net/${name}/device/vendor`, '0x1af4\n');
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  get log(): string[] {
    return existsSync(this.#log) ? readFileSync(this.#log, 'utf8').trimEnd().split('\n') : [];
  }

  run(shell: readonly string[], script: string): string {
    const [name = '', ...args] = shell;
    const env = { PATH: `${this.#fakes}:/usr/bin:/bin` };
    const { stdout, stderr, status } = spawnSync(name, args, { input: script, env, encoding: 'utf8' });
    if (status !== 0 || stderr !== '') throw new Error(`${name} ended with ${status}: ${stderr}`);
    return stdout;
  }

  /** Runs the script of the names; results by step, with the reasons. */
  names(shell: readonly string[], changes: { hostName?: string; cards?: Card[] } = {}) {
    const cards = changes.cards ?? [{ old: oldMac, new: newMac }];
    const script = identityScript({
      hostName: changes.hostName ?? 'clone',
      machineId,
      cards,
      seed: 'AbC+/=',
      now: 1_700_000_000_250,
      root: this.root,
    });
    const steps = readSteps(this.run(shell, script), identityStepNames(cards.length));
    return Object.fromEntries(
      steps.map(({ name, result, reason }) => [name, reason === undefined ? result : `${result}:${reason}`]),
    );
  }
}
