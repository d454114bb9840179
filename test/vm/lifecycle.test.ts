import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import * as z from 'zod';
import { machine, machineDetails, startedMachine, type StartedMachine } from '../../src/api/machine.ts';
import type { KameEvent } from '../../src/api/messages.ts';
import { poll } from '../../src/core/deadline.ts';
import { guestTest } from '../support/guest-test.ts';
import { homeTest } from '../support/home-test.ts';
import { Guest } from '../support/guest.ts';
import { openSerialShell } from '../support/serial-console.ts';

const it = guestTest();

describe('a machine that has booted', () => {
  homeTest('is described by the documented shapes', async ({ home }) => {
    const demo = new Guest(home, 'demo');
    await home.json('create', 'demo', '--disk', '1GiB');
    const started = await home.json<StartedMachine>('start', 'demo');
    expect(startedMachine.parse(started)).toEqual(started);
    expect(started).toMatchObject({
      name: 'demo',
      state: 'running',
      arch: 'aarch64',
      agent: true,
      waitedFor: 'agent',
    });
    const { spawnMs, qmpMs, agentMs } = started.timings;
    expect([spawnMs, qmpMs, agentMs]).toEqual(
      [spawnMs, qmpMs, agentMs].toSorted((a, b) => (a ?? 0) - (b ?? 0)),
    );
    expect(started.acceleratorReason).not.toBe('');
    const list = await home.json('list');
    expect(z.array(machine).parse(list)).toEqual(list);
    const details = await demo.details();
    expect(machineDetails.parse(details)).toEqual(details);
    // Other stages may have been reached since.
    expect(details).toMatchObject({ firmware: 'direct', problems: [], timings: { spawnMs, qmpMs, agentMs } });
    expect(details.disks).toMatchObject([{ slot: 'nvme0:0', format: 'qcow2', sizeBytes: 1024 ** 3 }]);
    // An engine upgrade must not change the hardware: the type is pinned in the .vmx by the first start.
    expect(await readFile(details.path, 'utf8')).toContain(`kame.machineType = "${details.machineType}"`);
  });
});

describe('a running machine', () => {
  it('runs commands: output streams are separate, the exit status is passed on, input is read', async ({
    home,
    demo,
  }) => {
    const failing = await demo.exec('sh', '-c', 'echo out; echo err >&2; exit 7');
    expect(failing).toEqual({ code: 7, stdout: 'out\n', stderr: 'err\n' });
    const echoed = await home.kame(['exec', '-i', 'demo', '--', 'cat'], { input: 'a\0b\nno newline' });
    expect(echoed).toMatchObject({ code: 0, stdout: 'a\0b\nno newline' });
    const late = await home.kame(['exec', '--timeout', '1', 'demo', '--', 'sleep', '1000']);
    expect(late.code).toBe(1);
    expect(late.stderr).toContain('did not finish within');
    expect(await demo.sh('ps | grep "[s]leep 1000" || echo none')).toBe('none\n');
  });

  it('shows output while the command runs', async ({ home, demo }) => {
    const seen: string[] = [];
    const end = new AbortController();
    const running = home.client().machines.exec(
      demo.name,
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
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(seen.join('')).toBe('first\n');
  });

  it('has an address and a name', async ({ home, demo }) => {
    const { stdout } = await home.kame(['ip', 'demo']);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\.\d+\n$/);
    expect(await demo.sh('hostname')).toBe('demo\n');
  });

  it('gives a screenshot as PNG, with something on it', async ({ home, demo }) => {
    const file = join(home.path, 'screen.png');
    expect((await home.kame(['screenshot', demo.name, file])).code).toBe(0);
    const bytes = await readFile(file);
    expect(bytes.subarray(0, 8)).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
    // Width and height of the IHDR chunk (PNG, section 11.2.2).
    expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([1280, 800]);
    expect(bytes.length).toBeGreaterThan(1000);
  });

  it('has a serial console with a login, for two at once', async ({ home, demo }) => {
    const second = await home.client().machines.console(demo.name);
    let seenBySecond = '';
    void (async () => {
      for await (const chunk of second.output) seenBySecond += Buffer.from(chunk).toString();
    })();
    using shell = await openSerialShell(demo);
    await shell.type('echo sum $((40 + 2))');
    await shell.shows('sum 42');
    const both = async () => (seenBySecond.includes('sum 42') ? true : undefined);
    expect(await poll(both, { deadlineMs: 30_000 }), seenBySecond).toBe(true);
    await shell.type('exit');
    second.close();
    expect((await home.kame(['logs', '--serial', 'demo'])).stdout).toContain('sum 42');
  });

  it('pauses and resumes', async ({ home, demo }) => {
    const events: KameEvent[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const event of home.client().host.events({ signal: stop.signal })) events.push(event);
    })();
    expect(await demo.pause()).toMatchObject({ state: 'paused' });
    expect((await home.kame(['pause', 'demo'])).code).toBe(4);
    const refused = await demo.exec('true');
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain('kame unpause demo');
    expect(await demo.unpause()).toMatchObject({ state: 'running' });
    expect((await home.kame(['unpause', 'demo'])).code).toBe(4);
    expect(await demo.sh('echo alive')).toBe('alive\n');
    const states = () => events.filter(({ type }) => type === 'machine.state').map(({ state }) => state);
    const both = async () => (states().length >= 2 ? true : undefined);
    expect(await poll(both, { deadlineMs: 10_000 })).toBe(true);
    stop.abort();
    await expect(watching).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(states()).toEqual(['paused', 'running']);
  });
});

describe('a machine whose daemon is killed', () => {
  it('is adopted, with state, timings and log', async ({ home, demo }) => {
    const before = await demo.details();
    const log = await readFile(before.log, 'utf8');
    const daemon = await home.daemonPid();
    await home.killDaemon();
    const after = await demo.details();
    expect(await home.daemonPid()).not.toBe(daemon);
    const { pid, timings, startedAt, accelerator, acceleratorReason } = before;
    expect(after).toMatchObject({
      state: 'running',
      pid,
      timings,
      startedAt,
      accelerator,
      acceleratorReason,
    });
    expect((await readFile(after.log, 'utf8')).startsWith(log)).toBe(true);
    await demo.answers();
    expect(await demo.sh('echo alive')).toBe('alive\n');
  });

  it('is still paused if it was paused', async ({ home, demo }) => {
    await demo.pause();
    await home.killDaemon();
    expect(await demo.details()).toMatchObject({ state: 'paused' });
    expect(await demo.unpause()).toMatchObject({ state: 'running' });
  });
});
