import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import * as api from '../../src/api/machine.ts';
import { bodies, daemon, run, useDaemon } from './cli-run.ts';
import { demo, demoDetails, demoRunning } from './cli-samples.ts';
import { json, problem } from './cli-support.ts';

useDaemon();

// oxlint-disable-next-line no-control-regex -- they are what must not be there
const escapes = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;

describe('the inventory', () => {
  it('shows all of a machine', async () => {
    daemon.on('GET /v1/machines/demo', json({ ...demoDetails, annotation: 'evil\u001b[31m' }));
    const { stdout } = await run(['show', 'demo']);
    expect(stdout).toMatch(/^name +demo\nstate +stopped\n/);
    expect(stdout).toContain('evil\\x1b[31m');
    expect(stdout).toMatch(/disk nvme0:0 +virtio-blk, qcow2, 2 GiB, 1 MiB on the host, \/k\/disk0.qcow2\n/);
    expect(stdout).toMatch(/warning +foo.bar: is not known\n/);
    expect(stdout).not.toMatch(escapes);
    const parsed = api.machineDetails.parse(JSON.parse((await run(['show', 'demo', '--json'])).stdout));
    expect(parsed.annotation).toBe('evil\u001b[31m');
  });

  it('sets, renames, registers and unregisters', async () => {
    daemon.on('GET /v1/machines/demo', json(demoDetails));
    daemon.on('PATCH /v1/machines/demo', json(demoDetails));
    daemon.on('POST /v1/machines/demo/rename', json({ ...demoDetails, name: 'web' }));
    daemon.on('POST /v1/machines/register', json(demoDetails));
    daemon.on(`POST /v1/machines/${encodeURIComponent(demo.path)}/unregister`, json({ ok: true }));
    expect((await run(['set', 'demo', 'cpus=4', 'annotation=a=b'])).stdout).toBe(
      'demo: set cpus, annotation\n',
    );
    expect((await run(['rename', 'demo', 'web'])).stdout).toContain('demo was renamed to web');
    expect((await run(['register', 'x.vmwarevm'])).stdout).toContain('demo was registered');
    expect((await run(['unregister', 'demo'])).code).toBe(0);
    expect(bodies()).toEqual([
      {
        settings: [
          { key: 'cpus', value: '4' },
          { key: 'annotation', value: 'a=b' },
        ],
      },
      { name: 'web' },
      { path: join(daemon.home, 'x.vmwarevm') },
      undefined,
      undefined,
    ]);
  });

  it('deletes only after a yes', async () => {
    daemon.on('GET /v1/machines/demo', json(demoDetails));
    const path = `/v1/machines/${encodeURIComponent(demo.path)}`;
    daemon.on(`GET ${path}/files`, json({ deleted: ['/machines/demo.vmx'], kept: [] }));
    daemon.on(`DELETE ${path}`, json({ ok: true, kept: ['/machines/my\nnote'] }));
    const deleted = () => daemon.requests.filter(({ method }) => method === 'DELETE').length;
    expect(await run(['delete', 'demo'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--yes'),
    });
    const answer = (text: string) => {
      const stdin = Object.assign(new PassThrough(), { isTTY: true });
      stdin.end(text);
      return run(['delete', 'demo'], { stdin, tty: true });
    };
    expect(await answer('n\n')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Nothing was changed'),
    });
    expect((await answer('')).code).toBe(1);
    expect(deleted()).toBe(0);
    const { stdout, stderr } = await answer('y\n');
    expect(stdout).toBe('demo was deleted\n');
    expect(stderr).toMatch(
      /are deleted:\n {2}\/machines\/demo\.vmx\n[^]*were kept:\n {2}\/machines\/my\\x0anote\n/,
    );
    expect(JSON.parse((await run(['delete', 'demo', '--yes', '--json'])).stdout)).toEqual(demoDetails);
    expect(deleted()).toBe(2);
  });

  it('says how to stop a running machine before it is deleted', async () => {
    daemon.on('GET /v1/machines/demo', json({ ...demoDetails, ...demoRunning }));
    const { code, stderr } = await run(['delete', 'demo', '--yes']);
    expect(code).toBe(4);
    expect(stderr).toContain('`kame stop demo`');
  });
});

describe('kame register', () => {
  it('registers a machine with files outside its directory only after a yes', async () => {
    const file = { path: '/srv/a.iso', use: 'CD sata0:1', writable: false, agreed: false };
    daemon.on('POST /v1/machines/inspect', json({ ...demoDetails, outsideFiles: [file] }));
    const refusal = problem(409, 'OUTSIDE_FILES', 'x.vmx gives the guest files outside.');
    daemon.on('POST /v1/machines/register', (response, request) => {
      const { allowOutside } = request.body as { allowOutside?: string[] };
      (allowOutside?.[0] === file.path ? json(demoDetails) : refusal)(response, request);
    });
    expect(await run(['register', 'x.vmx'])).toMatchObject({ code: 4, stdout: '' });
    const answer = (text: string) => {
      const stdin = Object.assign(new PassThrough(), { isTTY: true });
      stdin.end(text);
      return run(['register', 'x.vmx'], { stdin, tty: true });
    };
    expect(await answer('n\n')).toMatchObject({ code: 1, stdout: '' });
    expect(await answer('y\n')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('demo was registered'),
      stderr: expect.stringContaining('/srv/a.iso (CD sata0:1)'),
    });
    const allowed = await run(['register', 'x.vmx', '--allow-outside']);
    expect(allowed).toMatchObject({ code: 0, stderr: expect.stringContaining('/srv/a.iso (CD sata0:1)') });
  });
});
