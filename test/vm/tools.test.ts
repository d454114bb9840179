import { describe, expect } from 'vitest';
import { poll } from '../../src/core/deadline.ts';
import type { RunningCommand } from '../../src/client/core/guest-channels.ts';
import { deferred } from '../../src/core/deferred.ts';
import type { Guest } from '../support/guest.ts';
import { guestTest } from '../support/guest-test.ts';

// kame-tools in a guest, as its own program serves them.

const it = guestTest();
const megabyte = 1024 * 1024;

async function toolsAnswer({ home, name }: Guest): Promise<void> {
  const look = async () => {
    const { agents } = await home.ask(async (client) => await client.tools.show(name));
    return agents.some((agent) => agent.name === 'kame-tools' && agent.answers) ? true : undefined;
  };
  if (!(await poll(look, { deadlineMs: 30_000 }))) throw new Error(`${name} has no kame-tools.`);
}

describe('kame-tools', () => {
  it('stream 9 MiB in and out, and leave nothing in the guest', async ({ demo }) => {
    await toolsAnswer(demo);
    const sent = Buffer.alloc(9 * megabyte);
    for (let at = 0; at < sent.length; at += 4) sent.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
    const got: Uint8Array[] = [];
    const input = (async function* once() {
      yield await Promise.resolve(sent);
    })();
    const end = await demo.home.ask(
      async (client) =>
        await client.machines.exec(
          demo.name,
          { command: ['cat'], stdin: true },
          { input, output: async (_stream, data) => await Promise.resolve(void got.push(data)) },
        ),
    );
    expect(end).toEqual({ exitCode: 0, signal: null });
    expect(Buffer.concat(got).equals(sent)).toBe(true);
    expect(await demo.sh('ls /tmp /var/tmp /dev/shm')).not.toContain('kame');
  });

  it('run a shell on a terminal that follows its size and hears Ctrl-C', async ({ demo }) => {
    await toolsAnswer(demo);
    let seen = '';
    const lines = [
      'stty size\n',
      "sh -c 'echo begun; exec sleep 1000'\n",
      '\u0003',
      'echo status $?\n',
      'exit 7\n',
    ];
    const steps = [/\n40 120\r/, /\nbegun\r/, /\^C/, /status 130\r/];
    const running = deferred<RunningCommand>();
    const shows = async (pattern: RegExp) => {
      const look = async () => await Promise.resolve(pattern.test(seen) ? true : undefined);
      if (!(await poll(look, { deadlineMs: 30_000 }))) throw new Error(`No ${pattern} in:\n${seen}`);
    };
    const input = (async function* typed() {
      await shows(/# /);
      (await running.promise).resize(40, 120);
      for (const [at, line] of lines.entries()) {
        yield Buffer.from(line);
        const step = steps[at];
        if (step) await shows(step);
      }
    })();
    const terminal = { rows: 24, columns: 80, type: 'xterm' };
    const end = await demo.home.ask(
      async (client) =>
        await client.machines.exec(
          demo.name,
          { command: [], stdin: true, terminal },
          {
            input,
            onStarted: running.resolve,
            output: async (_stream, data) =>
              await Promise.resolve(void (seen += Buffer.from(data).toString())),
          },
        ),
    );
    expect(end).toEqual({ exitCode: 7, signal: null });
  });

  it('share the variables of the machine with its guest', async ({ demo, home }) => {
    await toolsAnswer(demo);
    const environment = '<Environment>\n"quoted" ž\n</Environment>';
    await home.json('set', demo.name, `guestinfo.ovfEnv=${environment}`, 'guestinfo.role=web');
    expect(await demo.sh("kame-tools rpctool 'info-get guestinfo.ovfEnv'")).toBe(`${environment}\n`);
    expect(await demo.sh('kame-tools guestinfo get ROLE; kame-tools guestinfo set state "is ready"')).toBe(
      'web\n',
    );
    const vmrun = async (...words: string[]) => await home.vmrun(...words);
    expect(await vmrun('readVariable', demo.file('demo.vmx'), 'guestVar', 'state')).toMatchObject({
      code: 0,
      stdout: 'is ready\n',
    });
    await vmrun('writeVariable', demo.file('demo.vmx'), 'guestVar', 'state', 'done');
    expect(await demo.sh('kame-tools guestinfo get state')).toBe('done\n');
    for (const key of ['displayName', 'guestinfo.none'])
      expect((await demo.exec('kame-tools', 'rpctool', `info-get ${key}`)).code).toBe(1);
    const asNobody = ['exec', '--user', 'nobody', demo.name, '--', 'kame-tools', 'guestinfo', 'get', 'role'];
    const refusedTo = await home.kame(asNobody);
    expect(refusedTo).toMatchObject({ code: 1, stderr: expect.stringContaining('only root') });
    // It is there for the next daemon, too.
    process.kill((await home.daemonPid()) ?? 0, 'SIGKILL');
    expect((await home.kame(['guest', 'info', demo.name])).stdout).toContain('guestinfo.state=done\n');
    expect(await demo.sh('kame-tools guestinfo get state')).toBe('done\n');
  });

  it('serve the next daemon when one was killed in the middle of a stream', async ({ demo, home }) => {
    await toolsAnswer(demo);
    const lost = home.kame([
      'exec',
      demo.name,
      '--',
      'sh',
      '-c',
      'while head -c 50000 /dev/zero; do usleep 20000; done | cat',
    ]);
    const begun = async () => ((await demo.sh('pidof cat || true')) === '' ? undefined : true);
    expect(await poll(begun, { deadlineMs: 30_000 })).toBe(true);
    process.kill((await home.daemonPid()) ?? 0, 'SIGKILL');
    expect((await lost).code).toBe(5);
    expect(await demo.sh('readlink /proc/$PPID/exe')).toBe('/usr/lib/kame/kame-tools\n');
    const gone = async () => ((await demo.sh('pidof cat || true')) === '' ? true : undefined);
    expect(await poll(gone, { deadlineMs: 30_000 })).toBe(true);
  });
});
