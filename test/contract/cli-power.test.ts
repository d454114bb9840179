import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as api from '../../src/api/machine.ts';
import { bodies, daemon, result, run, useDaemon } from './cli-run.ts';
import { demo, demoRunning, demoStarted } from './cli-samples.ts';
import { json, lines, problem } from './cli-support.ts';

useDaemon();

describe('start and related commands', () => {
  const started = (name: string) => result({ ...demoStarted, name });

  it('reports the result of the start, as an object with --json', async () => {
    daemon.on('POST /v1/machines/demo/start', started('demo'));
    expect((await run(['start', 'demo'])).stdout).toBe(
      'demo is running: agent answered after 1.8 s on tcg (kvm runs x86_64 guests only here), 10.0.2.15\n',
    );
    const { stdout } = await run(['start', 'demo', '--json']);
    expect(api.startedMachine.parse(JSON.parse(stdout)).timings).toMatchObject({
      spawnMs: 12,
      qmpMs: 85,
      agentMs: 1800,
    });
    expect(api.startMachine.parse(bodies()[0])).toMatchObject({ wait: 'agent', timeoutMs: 300_000 });
  });

  it('tries all names; the worst exit code wins', async () => {
    daemon.on('POST /v1/machines/a/start', started('a'));
    daemon.on('POST /v1/machines/b/start', problem(409, 'WRONG_STATE', 'It runs already.'));
    daemon.on('POST /v1/machines/c/start', problem(404, 'NO_SUCH_MACHINE', 'There is no machine c.'));
    daemon.on('POST /v1/machines/d/start', started('d'));
    const { code, stdout, stderr } = await run(['start', 'a', 'b', 'c', 'd']);
    expect(code).toBe(4);
    expect(stdout).toMatch(/^a is running.*\nd is running.*\n$/);
    expect(stderr).toBe('kame: b: It runs already.\n  Do this.\nkame: There is no machine c.\n  Do this.\n');
    const asJson = await run(['start', 'a', 'c', 'd', '--json']);
    expect(JSON.parse(asJson.stdout)).toMatchObject([{ name: 'a' }, { name: 'd' }]);
    expect(JSON.parse(asJson.stderr)).toMatchObject({ code: 'NO_SUCH_MACHINE' });
  });

  it('prints stages, once each, without a terminal, and nothing with --json', async () => {
    const progress = (stage: string, done?: number) => ({
      type: 'progress',
      progress: { stage, done, total: 10 },
    });
    daemon.on(
      'POST /v1/machines/demo/start',
      lines(progress('Engine'), progress('Engine', 5), progress('Boot\u001b[2J'), {
        type: 'result',
        result: demoStarted,
      }),
    );
    expect((await run(['start', 'demo'])).stderr).toBe('demo: Engine\ndemo: Boot\\x1b[2J\n');
    expect((await run(['start', 'demo', '--json'])).stderr).toBe('');
  });

  it('fails with an error line, or when the answer ends without a result', async () => {
    const error = { code: 'GUEST_TIMEOUT', message: 'demo did not answer.', next: 'Wait.', details: {} };
    daemon.on('POST /v1/machines/demo/start', lines({ type: 'error', error }));
    expect(await run(['start', 'demo'])).toMatchObject({
      code: 1,
      stderr: 'kame: demo did not answer.\n  Wait.\n',
    });
    daemon.on('POST /v1/machines/demo/start', lines({ type: 'progress', progress: { stage: 'Engine' } }));
    expect(await run(['start', 'demo'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('The daemon ended'),
    });
    daemon.on('POST /v1/machines/demo/start', (response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.write('{"type":"progress",', () => response.destroy());
    });
    expect(await run(['start', 'demo'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('The daemon ended'),
    });
  });

  it('prints the plan with --dry-run', async () => {
    const plan = {
      binary: 'q',
      args: ['-S'],
      text: 'q \\\n  -S',
      accelerator: 'tcg',
      acceleratorReason: 'r',
      machineType: 'virt',
      notes: [],
    };
    daemon.on('GET /v1/machines/demo/plan', json(plan));
    expect((await run(['start', 'demo', '--dry-run'])).stdout).toBe('q \\\n  -S\n');
    expect(JSON.parse((await run(['start', 'demo', '--dry-run', '--json'])).stdout)).toEqual(plan);
  });

  it('sends exactly the given options to stop and restart', async () => {
    daemon.on('POST /v1/machines/demo/stop', result(demo));
    daemon.on('POST /v1/machines/demo/restart', result(demoStarted));
    expect((await run(['stop', 'demo'])).stdout).toBe('demo is stopped\n');
    await run(['stop', 'demo', '--hard', '--timeout', '5']);
    await run(['restart', 'demo', '--wait', 'none']);
    expect(bodies()).toEqual([{}, { hard: true, timeoutMs: 5000 }, { wait: 'none' }]);
  });

  it('pauses and unpauses', async () => {
    daemon.on('POST /v1/machines/demo/pause', json({ ...demoRunning, state: 'paused' }));
    daemon.on('POST /v1/machines/demo/unpause', json(demoRunning));
    expect((await run(['pause', 'demo'])).stdout).toBe('demo is paused\n');
    expect(api.machine.parse(JSON.parse((await run(['unpause', 'demo', '--json'])).stdout))).toEqual(
      demoRunning,
    );
  });

  it('makes the path of a .vmx absolute', async () => {
    daemon.on(`POST /v1/machines/${encodeURIComponent(join(daemon.home, 'm/x.vmx'))}/start`, started('x'));
    expect((await run(['start', 'm/x.vmx'])).code).toBe(0);
  });
});
