import { writeFileSync } from 'node:fs';
import type { FakeEngine } from './engine.ts';
import { readState, receiveState, sendState, socketOf } from './migration.ts';
import { Refusal } from './refusal.ts';
import { FakeTransfer } from './transfer.ts';

type Arguments = Readonly<Record<string, unknown>>;
/** What a command does; its result, or nothing for an empty one. */
type Command = (args: Arguments, engine: FakeEngine) => unknown;

const screen = Buffer.concat([Buffer.from('P6\n2 1\n255\n'), Buffer.from([255, 0, 0, 0, 0, 255])]);

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Whether an id is of what a copy of files plugs in. */
function isCopy(id: unknown): boolean {
  return text(id).startsWith(FakeTransfer.prefix);
}

const life: Record<string, Command> = {
  qmp_capabilities: () => undefined,
  'query-status': (_args, { state }) => ({ status: state, running: state === 'running', singlestep: false }),
  'query-kvm': () => ({ enabled: false, present: false }),
  'query-stats': (_args, { guest }) => guest.options.statistics,
  stop: (_args, engine) => {
    if (engine.state !== 'inmigrate') engine.stop(engine.state === 'running' ? 'paused' : engine.state);
  },
  cont: (_args, engine) => {
    if (engine.state !== 'inmigrate') engine.resume();
  },
  quit: (_args, engine) => {
    setImmediate(() => engine.exit({ guest: false, reason: 'host-qmp-quit' }));
  },
  system_powerdown: (_args, engine) => {
    engine.event('POWERDOWN');
    if (engine.guest.options.hearsPowerButton && engine.state === 'running') engine.guest.onPowerOff();
  },
  system_reset: (_args, engine) => engine.reset(),
  'query-chardev': (_args, engine) => {
    const { guest } = engine;
    const boots = !engine.options.given.incoming && guest.options.agent !== 'none' && !guest.portOpen;
    // A guest comes to its agent some time after its start: here once it was looked for.
    if (boots) setImmediate(() => engine.openPort(true));
    const others = [...engine.openPorts, ...engine.transfer.chardevs].map((label) => ({
      label,
      filename: 'unix:',
      'frontend-open': true,
    }));
    const ports = { qga: guest.portOpen, tools: guest.tools !== undefined };
    const own = Object.entries(ports).map(([label, open]) => ({
      label,
      filename: 'unix:',
      'frontend-open': open,
    }));
    return [...own, ...others];
  },
  'send-key': ({ keys }, engine) => {
    engine.keysPressed.push((keys as { data: string }[]).map(({ data }) => data));
  },
  screendump: ({ filename }) => writeFileSync(text(filename), screen),
  set_link: ({ name, up }, engine) => engine.nics.setLink(text(name), up === true),
};

function soundCards({ options }: FakeEngine): string[] {
  return options.given.devices.some(({ id }) => id === 'sound0') ? ['sound0'] : [];
}

const adapters: Record<string, Command> = {
  netdev_add: (args, engine) => engine.nics.addBackend(args),
  netdev_del: ({ id }, engine) => engine.nics.removeBackend(text(id)),
  device_add: (args, engine) => (isCopy(args['id']) ? engine.transfer.plug(args) : engine.nics.plug(args)),
  device_del: ({ id }, engine) =>
    isCopy(id) ? engine.transfer.unplug(text(id)) : engine.nics.askToLetGo(text(id)),
  'chardev-add': async (args, engine) => await engine.transfer.addPort(args),
  'chardev-remove': ({ id }, engine) => engine.transfer.removePort(text(id)),
  'qom-list': ({ path }, engine) => {
    const others = path === '/machine/peripheral' ? [...engine.transfer.names, ...soundCards(engine)] : [];
    return [...engine.nics.list(text(path)), ...others.map((name) => ({ name, type: 'child<any>' }))];
  },
  'object-add': (args, engine) => engine.nics.addObject(args),
  'object-del': ({ id }, engine) => engine.nics.removeObject(text(id)),
};

const blocks: Record<string, Command> = {
  'query-blockstats': (_args, { writes }) => [{ stats: { wr_operations: writes } }],
  'query-block': (_args, engine) => engine.blocks.describeDrives(),
  'query-named-block-nodes': (_args, { blocks: graph, transfer }) => [
    ...graph.describeNodes(),
    ...[...transfer.nodes.keys()].map((name) => ({ 'node-name': name })),
  ],
  'blockdev-add': (args, engine) =>
    isCopy(args['node-name']) ? engine.transfer.addNode(args) : engine.blocks.add(args),
  'blockdev-del': (args, engine) => {
    const name = text(args['node-name']);
    if (isCopy(name)) engine.transfer.removeNode(name);
    else engine.blocks.remove(name);
  },
  'blockdev-reopen': ({ options }, engine) => {
    for (const each of options as Arguments[]) engine.blocks.reopen(each);
  },
  transaction: ({ actions }, engine) => {
    const pairs = (actions as { type: string; data: Arguments }[]).map(({ type, data }) => {
      if (type !== 'blockdev-snapshot') throw new Refusal(`The fake does no ${type}`);
      return { node: text(data['node']), overlay: text(data['overlay']) };
    });
    engine.blocks.snapshot(pairs);
  },
  'block-commit': (args, engine) =>
    engine.jobs.commit({
      id: text(args['job-id']),
      top: text(args['top-node']),
      base: text(args['base-node']),
      backingFile: textOrNull(args['backing-file']),
    }),
  'block-stream': (args, engine) =>
    engine.jobs.stream({
      id: text(args['job-id']),
      device: text(args['device']),
      base: textOrNull(args['base-node']),
      backingFile: textOrNull(args['backing-file']),
    }),
  'query-jobs': (_args, engine) => engine.jobs.describe(),
  'job-complete': ({ id }, engine) => engine.jobs.complete(text(id)),
  'job-finalize': async ({ id }, engine) => await engine.jobs.finalize(text(id)),
  'job-cancel': ({ id }, engine) => engine.jobs.cancel(text(id)),
  'job-dismiss': ({ id }, engine) => engine.jobs.dismiss(text(id)),
};

function tell(engine: FakeEngine, status: FakeEngine['migration']['status']): void {
  engine.migration.status = status;
  engine.event('MIGRATION', { status });
}

async function migrateOut(engine: FakeEngine, path: string): Promise<void> {
  const { migration } = engine;
  const ran = engine.state === 'running';
  tell(engine, 'active');
  try {
    // With its RAM in the stream the guest runs nearly to the end.
    engine.stop(engine.state === 'running' ? 'paused' : engine.state);
    if (engine.migrationFails !== null) throw new Error(engine.migrationFails);
    await sendState(path, engine.saved());
    if (migration.status !== 'active') return;
    engine.state = 'postmigrate';
    tell(engine, 'completed');
  } catch (error) {
    migration.error = error instanceof Error ? error.message : String(error);
    if (ran) engine.resume();
    tell(engine, 'failed');
  }
}

const migrations: Record<string, Command> = {
  'migrate-set-capabilities': ({ capabilities }, engine) => {
    for (const { capability, state } of capabilities as { capability: string; state: boolean }[]) {
      if (capability === 'x-ignore-shared') engine.migration.ignoreShared = state;
    }
  },
  'migrate-set-parameters': ({ 'announce-rounds': rounds }, engine) => {
    if (typeof rounds === 'number') engine.migration.announceRounds = rounds;
  },
  migrate: ({ uri }, engine) => {
    const [reason] = engine.options.blockedReasons;
    if (reason !== undefined) throw new Refusal(reason);
    engine.migration.error = null;
    tell(engine, 'setup');
    void migrateOut(engine, socketOf(uri));
  },
  migrate_cancel: (_args, engine) => {
    if (['setup', 'active'].includes(engine.migration.status)) tell(engine, 'cancelled');
  },
  'query-migrate': (_args, { migration, options }) => ({
    ...(migration.status === 'none' ? {} : { status: migration.status }),
    ...(migration.error === null ? {} : { 'error-desc': migration.error }),
    ...(options.blockedReasons.length > 0 ? { 'blocked-reasons': options.blockedReasons } : {}),
  }),
  'migrate-incoming': async ({ uri }, engine) => {
    if (engine.state !== 'inmigrate') throw new Refusal("'-incoming' was not specified on the command line");
    const { text } = await receiveState(socketOf(uri));
    tell(engine, 'setup');
    void text.then((received) => {
      const state = readState(received);
      if (!state) {
        engine.fail('qemu-system-aarch64: load of migration failed: Invalid argument');
        return;
      }
      engine.load(state);
      engine.state = 'paused';
      tell(engine, 'completed');
    });
  },
};

/** The commands that a fake engine knows. */
export const commands: Readonly<Record<string, Command>> = {
  ...life,
  ...adapters,
  ...blocks,
  ...migrations,
};
