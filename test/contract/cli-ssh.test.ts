import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type * as api from '../../src/api/network.ts';
import { bodies, daemon, result, run, useDaemon } from './cli-run.ts';
import { demo } from './cli-samples.ts';
import { json, problem } from './cli-support.ts';

useDaemon();

describe('ssh', () => {
  const target: api.SshTarget = {
    machine: 'demo',
    host: '127.0.0.1',
    port: 40022,
    user: 'debian',
    alias: 'demo.kame',
    knownHosts: '/home/a b/50%/known',
  };
  /** A program in place of ssh, which writes down its arguments and ends with 7. */
  const fakeSsh = () => {
    const path = join(daemon.home, 'ssh');
    writeFileSync(path, `#!/bin/sh\nprintf '%s\\n' "$@" > '${daemon.home}/args'\nexit 7\n`);
    chmodSync(path, 0o755);
    return { PATH: `${daemon.home}:/usr/bin:/bin` };
  };

  it('runs the ssh of the host with everything it must know, and ends as it does', async () => {
    daemon.on('POST /v1/machines/demo/ssh', result(target));
    const { code, stderr } = await run(['ssh', 'demo', '--timeout', '5', '--', 'uname', '-a'], {
      env: fakeSsh(),
    });
    expect([code, stderr]).toEqual([7, '']);
    expect(readFileSync(join(daemon.home, 'args'), 'utf8').split('\n')).toEqual([
      '-o',
      'HostKeyAlias=demo.kame',
      '-o',
      'UserKnownHostsFile="/home/a b/50%%/known"',
      '-o',
      'StrictHostKeyChecking=accept-new',
      '-p',
      '40022',
      '-l',
      'debian',
      '--',
      '127.0.0.1',
      'uname',
      '-a',
      '',
    ]);
    expect(bodies()).toEqual([{ timeoutMs: 5000 }]);
  });

  it('says so if there is none', async () => {
    daemon.on('POST /v1/machines/demo/ssh', result({ ...target, user: null }));
    const { code, stderr } = await run(['ssh', 'demo', '--user', 'root'], { env: { PATH: '/nowhere' } });
    expect([code, stderr]).toEqual([
      5,
      expect.stringMatching(/^kame: The program ssh is not installed\.\n {2}Debian/),
    ]);
    expect(bodies()).toEqual([{ user: 'root' }]);
  });

  it('prints where to connect with --json, and connects to nothing', async () => {
    daemon.on('POST /v1/machines/demo/ssh', result(target));
    const { stdout } = await run(['ssh', 'demo', '--json'], { env: { PATH: '/nowhere' } });
    expect(JSON.parse(stdout)).toEqual(target);
  });

  it('-config prints blocks for all machines that can be reached', async () => {
    const bridged = { ...demo, name: 'bridged', path: '/k/bridged.vmx' };
    daemon.on('GET /v1/machines', json([demo, bridged]));
    daemon.on(`POST /v1/machines/${encodeURIComponent(demo.path)}/ssh`, result(target));
    daemon.on(
      `POST /v1/machines/${encodeURIComponent(bridged.path)}/ssh`,
      problem(400, 'INVALID_VALUE', 'bridged has no adapter.'),
    );
    expect(await run(['ssh-config'])).toMatchObject({
      code: 0,
      stdout: [
        'Host demo.kame',
        '  HostName 127.0.0.1',
        '  Port 40022',
        '  User debian',
        '  HostKeyAlias demo.kame',
        '  UserKnownHostsFile "/home/a b/50%%/known"',
        '  StrictHostKeyChecking accept-new',
        '',
      ].join('\n'),
      stderr: 'Left out: bridged: bridged has no adapter.\n',
    });
    expect(bodies()).toEqual([undefined, { wait: false }, { wait: false }]);
  });
});
