import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import * as z from 'zod';
import {
  machine,
  machineDetails,
  startedMachine,
  type MachineDetails,
  type StartedMachine,
} from '../../src/api/machine.ts';
import type { KameEvent } from '../../src/api/messages.ts';
import { poll } from '../../src/core/deadline.ts';
import { useHome, type TestHome } from '../support/home.ts';

// One guest for the whole file; each test leaves it running unless it says otherwise.
let home: TestHome;
let started: StartedMachine;

beforeAll(async () => {
  home = await useHome();
  await home.json('create', 'demo', '--disk', '1GiB');
  started = await home.json<StartedMachine>('start', 'demo');
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

function keepEvidence(name: string): void {
  onTestFailed(async () => await home.postMortem(`lifecycle ${name}`));
}

describe('a running machine', () => {
  it('is described by the documented shapes', async () => {
    keepEvidence('shapes');
    expect(startedMachine.parse(started)).toEqual(started);
    expect(started).toMatchObject({
      name: 'demo',
      state: 'running',
      arch: 'aarch64',
      agent: true,
      waitedFor: 'agent',
    });
    expect(started.timings.spawnMs).toBeLessThanOrEqual(started.timings.qmpMs);
    expect(started.timings.qmpMs).toBeLessThanOrEqual(started.timings.agentMs ?? 0);
    expect(started.acceleratorReason).not.toBe('');
    const list = await home.json('list');
    expect(z.array(machine).parse(list)).toEqual(list);
    const details = await home.json<MachineDetails>('show', 'demo');
    expect(machineDetails.parse(details)).toEqual(details);
    expect(details).toMatchObject({ firmware: 'direct', problems: [], timings: started.timings });
    expect(details.disks).toMatchObject([{ slot: 'nvme0:0', format: 'qcow2', sizeBytes: 1024 ** 3 }]);
    // An engine upgrade must not change the hardware: the type is pinned in the .vmx by the first start.
    expect(await readFile(details.path, 'utf8')).toContain(`kame.machineType = "${details.machineType}"`);
  });

  it('runs commands: output streams apart, the exit status passes through, input is read', async () => {
    keepEvidence('exec');
    const failing = await home.kame(['exec', 'demo', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7']);
    expect(failing).toEqual({ code: 7, stdout: 'out\n', stderr: 'err\n' });
    const echoed = await home.kame(['exec', '-i', 'demo', '--', 'cat'], { input: 'a\0b\nno newline' });
    expect(echoed).toMatchObject({ code: 0, stdout: 'a\0b\nno newline' });
    const late = await home.kame(['exec', '--timeout', '1', 'demo', '--', 'sleep', '1000']);
    expect(late.code).toBe(1);
    expect(late.stderr).toMatch(/within|timeout|in time/i);
    expect(await home.sh('demo', 'ps | grep "[s]leep 1000" || echo none')).toBe('none\n');
  });

  it('shows output while the command runs', async () => {
    keepEvidence('streaming');
    const seen: string[] = [];
    const end = new AbortController();
    const running = home.client().machines.exec(
      'demo',
      { command: ['sh', '-c', 'echo first; sleep 1000; echo second'] },
      {
        output: async (_stream, chunk) => {
          seen.push(Buffer.from(chunk).toString());
          // The command has not ended: what is seen came before its end.
          end.abort();
        },
        signal: end.signal,
      },
    );
    await running.catch(() => undefined);
    expect(seen.join('')).toBe('first\n');
  });

  it('has an address and a name', async () => {
    keepEvidence('ip');
    const { stdout } = await home.kame(['ip', 'demo']);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\.\d+\n$/);
    expect(await home.sh('demo', 'hostname')).toBe('demo\n');
  });

  it('gives a screenshot as PNG, with something on it', async () => {
    keepEvidence('screenshot');
    const file = join(home.path, 'screen.png');
    expect((await home.kame(['screenshot', 'demo', file])).code).toBe(0);
    const bytes = await readFile(file);
    expect(bytes.subarray(0, 8)).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
    // Width and height of the IHDR chunk (PNG, section 11.2.2).
    expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([1280, 800]);
    expect(bytes.length).toBeGreaterThan(1000);
  });

  it('has a serial console with a login, for two at once', async () => {
    keepEvidence('console');
    const [one, two] = [
      await home.client().machines.console('demo'),
      await home.client().machines.console('demo'),
    ];
    let [seenByOne, seenByTwo] = ['', ''];
    void (async () => {
      for await (const chunk of one.output) seenByOne += Buffer.from(chunk).toString();
    })();
    void (async () => {
      for await (const chunk of two.output) seenByTwo += Buffer.from(chunk).toString();
    })();
    await one.write(Buffer.from('\nroot\n'));
    const at = async (text: string) =>
      seenByOne.includes(text) && seenByTwo.includes(text) ? true : undefined;
    expect(await poll(async () => await at('# '), { deadlineMs: 30_000 }), seenByOne).toBe(true);
    await one.write(Buffer.from('echo sum $((40 + 2))\n'));
    expect(await poll(async () => await at('sum 42'), { deadlineMs: 30_000 }), seenByOne).toBe(true);
    await one.write(Buffer.from('exit\n'));
    one.close();
    two.close();
    expect((await home.kame(['logs', '--serial', 'demo'])).stdout).toContain('sum 42');
  });

  it('pauses and goes on', async () => {
    keepEvidence('pause');
    const events: KameEvent[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const event of home.client().host.events({ signal: stop.signal })) events.push(event);
    })();
    expect(await home.json('pause', 'demo')).toMatchObject({ state: 'paused' });
    expect((await home.kame(['pause', 'demo'])).code).toBe(4);
    const refused = await home.kame(['exec', 'demo', '--', 'true']);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain('kame unpause demo');
    expect(await home.json('unpause', 'demo')).toMatchObject({ state: 'running' });
    expect((await home.kame(['unpause', 'demo'])).code).toBe(4);
    expect(await home.sh('demo', 'echo alive')).toBe('alive\n');
    const states = async () =>
      events.filter(({ type }) => type === 'machine.state').length >= 2 ? true : undefined;
    expect(await poll(states, { deadlineMs: 10_000 })).toBe(true);
    stop.abort();
    await watching.catch(() => undefined);
    expect(events.map(({ state }) => state)).toEqual(expect.arrayContaining(['paused', 'running']));
  });

  it('refuses what makes no sense while it runs', async () => {
    keepEvidence('refusals');
    for (const args of [
      ['start', 'demo'],
      ['delete', 'demo', '--yes'],
      ['set', 'demo', 'cpus=1'],
      ['rename', 'demo', 'x'],
      ['unregister', 'demo'],
    ]) {
      const { code, stderr } = await home.kame(args);
      expect({ args, code }).toEqual({ args, code: 4 });
      expect(stderr).toContain('demo is running');
    }
    const taken = await home.kame(['create', 'demo']);
    expect(taken.code).toBe(1);
    expect(taken.stderr).toContain('There is a machine demo already');
  });

  it('is adopted, with state, timings and log, when the daemon was killed', async () => {
    keepEvidence('adoption');
    const before = await home.json<MachineDetails>('show', 'demo');
    const log = await readFile(before.log, 'utf8');
    const daemon = await home.daemonPid();
    await home.killDaemon();
    const after = await home.json<MachineDetails>('show', 'demo');
    expect(await home.daemonPid()).not.toBe(daemon);
    expect(after).toMatchObject({
      state: 'running',
      pid: before.pid,
      timings: before.timings,
      startedAt: before.startedAt,
    });
    expect(after).toMatchObject({
      accelerator: before.accelerator,
      acceleratorReason: before.acceleratorReason,
    });
    expect((await readFile(after.log, 'utf8')).startsWith(log)).toBe(true);
    const answers = async () => ((await home.json<MachineDetails>('show', 'demo')).agent ? true : undefined);
    expect(await poll(answers, { deadlineMs: 30_000 })).toBe(true);
    expect(await home.sh('demo', 'echo alive')).toBe('alive\n');
  });

  it('is paused still when the daemon was killed while it was paused', async () => {
    keepEvidence('paused adoption');
    await home.json('pause', 'demo');
    await home.killDaemon();
    expect(await home.json('show', 'demo')).toMatchObject({ state: 'paused' });
    expect(await home.json('unpause', 'demo')).toMatchObject({ state: 'running' });
  });
});

describe('power', () => {
  it('answers again after the guest has rebooted itself, in the same engine', async () => {
    keepEvidence('reboot');
    const before = await home.json<MachineDetails>('show', 'demo');
    const boot = await home.sh('demo', 'cat /proc/sys/kernel/random/boot_id');
    await home.kame(['exec', 'demo', '--', 'sh', '-c', '(sleep 0.2; reboot) >/dev/null 2>&1 &']);
    const rebooted = async () => {
      const { code, stdout } = await home.kame([
        'exec',
        'demo',
        '--timeout',
        '5',
        '--',
        'cat',
        '/proc/sys/kernel/random/boot_id',
      ]);
      return code === 0 && stdout !== boot ? true : undefined;
    };
    expect(await poll(rebooted, { deadlineMs: 60_000, stepMs: 200 })).toBe(true);
    expect(await home.json('show', 'demo')).toMatchObject({
      pid: before.pid,
      timings: before.timings,
      agent: true,
    });
  });

  it('keeps what the guest wrote over a restart, and stops within the guest', async () => {
    keepEvidence('restart');
    await home.sh('demo', 'echo kept >/root/note; sync');
    const again = await home.json<StartedMachine>('restart', 'demo');
    expect(again.state).toBe('running');
    expect(await home.sh('demo', 'cat /root/note')).toBe('kept\n');
  });

  it('powers off by the button when the agent is gone, and the run directory and lock go with it', async () => {
    keepEvidence('button');
    // Stopped, not killed: nothing brings it back, so the button is what stops the guest.
    const freeze = 'sleep 0.2; kill -STOP $(pidof qemu-ga); echo agent frozen >/dev/ttyAMA0';
    await home.kame(['exec', 'demo', '--', 'sh', '-c', `(${freeze}) >/dev/null 2>&1 &`]);
    const frozen = async () =>
      (await home.kame(['logs', '--serial', 'demo'])).stdout.includes('agent frozen') ? true : undefined;
    expect(await poll(frozen, { deadlineMs: 30_000 })).toBe(true);
    const { code, stderr } = await home.kame(['stop', 'demo', '--timeout', '60']);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const details = await home.json<MachineDetails>('show', 'demo');
    expect(details).toMatchObject({ state: 'stopped', pid: null, sockets: null });
    expect(await home.engines()).toEqual([]);
    await expect(stat(join(home.path, 'machines', 'demo.vmwarevm', 'lock'))).rejects.toThrow('ENOENT');
    expect((await home.kame(['stop', 'demo'])).code).toBe(4);
    expect((await home.kame(['exec', 'demo', '--', 'true'])).code).toBe(4);
  });

  it('survives the plug being pulled: what was synced is there', async () => {
    keepEvidence('hard');
    await home.json('start', 'demo');
    await home.sh('demo', 'echo synced >/root/hard; sync');
    expect(await home.json('stop', 'demo', '--hard')).toMatchObject({ state: 'stopped' });
    await home.json('start', 'demo');
    expect(await home.sh('demo', 'cat /root/hard')).toBe('synced\n');
  });

  it('notices an engine that was killed, and starts it again', async () => {
    keepEvidence('killed engine');
    const { pid } = await home.json<MachineDetails>('show', 'demo');
    process.kill(pid ?? 0, 'SIGKILL');
    const stopped = async () =>
      (await home.json<MachineDetails>('show', 'demo')).state === 'stopped' ? true : undefined;
    expect(await poll(stopped, { deadlineMs: 10_000 })).toBe(true);
    expect(await home.json('start', 'demo', '--wait', 'boot')).toMatchObject({
      state: 'running',
      waitedFor: 'boot',
    });
  });

  it('ends an engine that hangs', async () => {
    keepEvidence('hung engine');
    const { pid } = await home.json<MachineDetails>('show', 'demo');
    process.kill(pid ?? 0, 'SIGSTOP');
    // A new daemon can't adopt what does not answer; the machine runs all the same.
    await home.killDaemon();
    expect(await home.json('show', 'demo')).toMatchObject({ state: 'running' });
    const soft = await home.kame(['stop', 'demo']);
    expect(soft.code).toBe(5);
    expect(soft.stderr).toContain('--hard');
    expect(await home.json('stop', 'demo', '--hard')).toMatchObject({ state: 'stopped' });
    expect(await home.engines()).toEqual([]);
  });
});
