import { appendFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { identityStepNames } from '../../../src/guest/identity/script.ts';
import { listenAsTools, type FakeTools, type FakeToolsOptions } from '../fake-tools.ts';
import { listenAsAgent, type FakeAgent, type FakeHandler, type FakeReply } from '../fake-agent.ts';

export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

/** A program of the guest, as `guest-exec` runs it; all at once. */
export type Program = (args: readonly string[], input: string) => ProgramResult;

export interface GuestOptions {
  /** `answers`; `silent`: its port is open, but there are no answers; `none`: the port is not opened. */
  readonly agent: 'answers' | 'silent' | 'none';
  /** Whether the guest goes down when its power button is pressed. */
  readonly hearsPowerButton: boolean;
  /** Whether the agent's own shutdown works. */
  readonly agentPowersOff: boolean;
  /** What it prints when it boots; null for nothing. */
  readonly bootLine: string | null;
  readonly interfaces: readonly object[];
  /** What `query-stats` tells of it. */
  readonly statistics: readonly object[];
  /** What its kame-tools are like; null if it has none. */
  readonly tools: FakeToolsOptions | null;
  /** Milliseconds that its clock is ahead of the host's. */
  readonly clockAheadMs: number;
  readonly programs: Readonly<Record<string, Program>>;
  /** Answers of the agent instead of the usual ones. */
  readonly handlers: Readonly<Record<string, FakeHandler>>;
}

/** Does all that a script of guest/identity is to do, by its own word. */
const shell: Program = (args, input) => {
  const steps = args.length > 0 ? [] : identityStepNames(8).map((name) => `${name}=ok`);
  return { exitCode: 0, stdout: input === '' ? '' : `${steps.join('\n')}\n` };
};

export const usualGuest: GuestOptions = {
  agent: 'answers',
  hearsPowerButton: true,
  agentPowersOff: true,
  bootLine: 'Booting the fake guest\n',
  interfaces: [
    { name: 'lo', 'ip-addresses': [{ 'ip-address': '127.0.0.1', 'ip-address-type': 'ipv4', prefix: 8 }] },
    {
      name: 'eth0',
      'hardware-address': '00:0C:29:01:02:03',
      'ip-addresses': [
        { 'ip-address': 'fe80::1', 'ip-address-type': 'ipv6', prefix: 64 },
        { 'ip-address': '10.0.2.15', 'ip-address-type': 'ipv4', prefix: 24 },
      ],
    },
  ],
  statistics: [],
  tools: null,
  clockAheadMs: 0,
  programs: { '/bin/sh': shell },
  handlers: {},
};

/** One that asks on its console who logs in. */
export const guestAtLogin: GuestOptions = { ...usualGuest, bootLine: 'Booting\n\nfake login: ' };

const usualCommands = [
  'guest-ping',
  'guest-info',
  'guest-exec',
  'guest-exec-status',
  'guest-get-time',
  'guest-set-time',
  'guest-get-osinfo',
  'guest-shutdown',
  'guest-network-get-interfaces',
  'guest-fsfreeze-freeze',
  'guest-fsfreeze-thaw',
];

function base64(text: string | undefined): string {
  return Buffer.from(text ?? '').toString('base64');
}

/** The system in a fake engine: its agent and its console. */
export class FakeGuest {
  readonly options: GuestOptions;
  /** Whether a program in the guest has opened the agent's port. */
  portOpen = false;
  frozen = false;
  /** What was typed at its console. */
  typed = '';
  /** Asks the engine to power off. */
  onPowerOff: () => void = () => undefined;
  clockAheadMs: number;
  readonly #serialLog: string;
  readonly #terminals = new Set<Socket>();
  readonly #results = new Map<number, ProgramResult>();
  #console: Server | undefined;
  #agent: FakeAgent | undefined;
  /** Its kame-tools, if it has them. */
  tools: FakeTools | undefined;

  constructor(options: GuestOptions, serialLog: string) {
    this.options = options;
    this.#serialLog = serialLog;
    this.clockAheadMs = options.clockAheadMs;
  }

  /** Opens the console's and the agent's sockets. */
  async listen(paths: Readonly<Record<'serial' | 'qga' | 'tools', string>>): Promise<void> {
    this.#agent = await listenAsAgent(paths.qga, this.#handlers());
    if (this.options.tools) this.tools = await listenAsTools(paths.tools, this.options.tools);
    const server = createServer((socket) => {
      this.#terminals.add(socket);
      socket.on('close', () => this.#terminals.delete(socket));
      socket.on('error', () => socket.destroy());
      socket.on('data', (chunk: Buffer) => (this.typed += chunk.toString('utf8')));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(paths.serial, resolve);
    });
    this.#console = server;
  }

  async close(): Promise<void> {
    for (const socket of this.#terminals) socket.destroy();
    this.#console?.close();
    await this.#agent?.[Symbol.asyncDispose]();
    await this.tools?.[Symbol.asyncDispose]();
  }

  /** The agent's commands so far. */
  get calls(): readonly string[] {
    return this.#agent?.calls ?? [];
  }

  /** Writes to the console, and so to its log. */
  print(text: string): void {
    if (this.#serialLog !== '') appendFileSync(this.#serialLog, text);
    for (const socket of this.#terminals) socket.write(text);
  }

  /** Ends the conversation of those at its console. */
  hangUpConsole(): void {
    for (const socket of this.#terminals) socket.destroy();
  }

  #handlers(): Record<string, FakeHandler> {
    const { agent, handlers } = this.options;
    const own: Record<string, FakeHandler> = {
      'guest-ping': () => ({ value: {} }),
      'guest-info': () => ({
        value: {
          version: '7.2.22',
          supported_commands: usualCommands.map((name) => ({ name, enabled: true })),
        },
      }),
      'guest-get-osinfo': () => ({ value: { id: 'debian', name: 'Debian GNU/Linux' } }),
      'guest-get-time': () => this.#unlessFrozen({ value: (Date.now() + this.clockAheadMs) * 1e6 }),
      'guest-set-time': ({ time }) => {
        if (this.frozen) return this.#unlessFrozen({ value: {} });
        this.clockAheadMs = Number(time) / 1e6 - Date.now();
        return { value: {} };
      },
      'guest-network-get-interfaces': () => ({ value: this.options.interfaces }),
      'guest-fsfreeze-freeze': () => this.#freeze(true),
      'guest-fsfreeze-thaw': () => this.#freeze(false),
      'guest-shutdown': () => {
        if (this.options.agentPowersOff) this.onPowerOff();
        return 'silence';
      },
      'guest-exec': (args) => (this.frozen ? this.#unlessFrozen({ value: {} }) : this.#run(args)),
      'guest-exec-status': ({ pid }) => this.#status(Number(pid)),
      ...handlers,
    };
    if (agent === 'answers') return own;
    return { 'guest-sync-delimited': () => 'silence' };
  }

  /** As the agent does with what may write to a file (qga/main.c). */
  #unlessFrozen(reply: FakeReply): FakeReply {
    const desc = 'Command has been disabled: the agent is in frozen state';
    return this.frozen ? { error: { class: 'CommandNotFound', desc } } : reply;
  }

  #freeze(frozen: boolean): FakeReply {
    this.frozen = frozen;
    return { value: 2 };
  }

  #run(args: Readonly<Record<string, unknown>>): FakeReply {
    const program = this.options.programs[String(args['path'])];
    if (!program) {
      const desc = `Failed to execute child process “${String(args['path'])}” (No such file or directory)`;
      return { error: { class: 'GenericError', desc } };
    }
    const input = typeof args['input-data'] === 'string' ? args['input-data'] : '';
    const words = Array.isArray(args['arg']) ? args['arg'].map(String) : [];
    const pid = 100 + this.#results.size;
    this.#results.set(pid, program(words, Buffer.from(input, 'base64').toString('utf8')));
    return { value: { pid } };
  }

  #status(pid: number): FakeReply {
    const result = this.#results.get(pid);
    if (!result) return { error: { class: 'GenericError', desc: `PID ${pid} does not exist` } };
    const { exitCode, stdout, stderr } = result;
    return {
      value: { exited: true, exitcode: exitCode, 'out-data': base64(stdout), 'err-data': base64(stderr) },
    };
  }
}
