import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { daemon, run, useDaemon } from './cli-run.ts';
import { demoDetails } from './cli-samples.ts';
import { json, problem } from './cli-support.ts';

useDaemon();

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
