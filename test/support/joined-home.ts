import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { test } from 'vitest';
import { version } from '../../src/core/version.ts';
import { buildServer } from '../../src/daemon/server.ts';
import { TaskList } from '../../src/daemon/tasks.ts';
import { socketPath } from '../../src/sys/home.ts';
import type { Host } from '../../src/vm/host/host.ts';
import { kame } from '../contract/cli-support.ts';
import { daemonFacts } from './daemon-facts.ts';
import type { CommandResult } from './home.ts';
import { testHost } from './test-host.ts';
import { makeTiny } from './world-machine.ts';

/** A home whose daemon is in this process, where commands run too: all of Kame between a word and a file, but no guest. */
export class JoinedHome implements AsyncDisposable {
  readonly path: string;
  readonly host: Host;
  readonly #close: () => Promise<void>;

  private constructor(path: string, host: Host, close: () => Promise<void>) {
    this.path = path;
    this.host = host;
    this.#close = close;
  }

  static async open(): Promise<JoinedHome> {
    const path = realpathSync(mkdtempSync(join(tmpdir(), 'kj-')));
    const socket = socketPath(path);
    const host = testHost({
      home: path,
      ram: join(path, 'ram'),
      buildTiny: async ({ outDir }) => await Promise.resolve(makeTiny(outDir)),
    });
    const daemon = daemonFacts(host.names, { version, socket });
    const http = await buildServer(host, new TaskList(), daemon, pino({ level: 'silent' }));
    await http.listen({ path: socket });
    return new JoinedHome(path, host, async () => await http.close());
  }

  /** Runs a command line of `kame`. */
  async kame(args: readonly string[]): Promise<CommandResult> {
    const { code, stdout, stderr } = await kame(this.path, args);
    return { code, stdout, stderr };
  }

  /** Runs `kame … --json` that must succeed; what it prints, parsed. */
  async json<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.kame([...args, '--json']);
    if (code !== 0) throw new Error(`kame ${args.join(' ')} ended with ${code}:\n${stderr}${stdout}`);
    return JSON.parse(stdout) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Tests with such a home of their own. */
export const joinedHomeTest = test.extend<{ home: JoinedHome }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern what a fixture needs
  home: async ({}, use) => {
    await using home = await JoinedHome.open();
    await use(home);
  },
});

/** Tests of what is refused: they share a home with a machine `demo`, and none may leave another one there. */
export const unharmedHome = test.extend<{ $file: { home: JoinedHome }; $test: { unchanged: void } }>({
  home: [
    // oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern what a fixture needs
    async ({}, use) => {
      await using home = await JoinedHome.open();
      await home.json('create', 'demo');
      await use(home);
    },
    { scope: 'file' },
  ],
  unchanged: [
    async ({ home, task }, use) => {
      await use();
      const machines = join(home.path, 'machines');
      const left = readdirSync(machines).filter((name) => name !== 'demo.vmwarevm');
      for (const name of left) rmSync(join(machines, name), { recursive: true });
      if (left.length > 0 && task.result?.state !== 'fail')
        throw new Error(`Something half-made stayed: ${left.join(', ')}`);
    },
    { auto: true },
  ],
});
