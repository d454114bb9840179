import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as api from '../../src/api/machine.ts';
import { bodies, daemon, result, run, useDaemon } from './cli-run.ts';
import { json } from './cli-support.ts';

useDaemon();

describe('the guest and the host', () => {
  it('prints the address, or says that there is none', async () => {
    const interfaces = [{ name: 'eth0', mac: null, addresses: [{ address: '10.0.2.15', prefix: 24 }] }];
    daemon.on('GET /v1/machines/demo/addresses', json({ ip: '10.0.2.15', interfaces }));
    expect((await run(['ip', 'demo'])).stdout).toBe('10.0.2.15\n');
    expect(api.addresses.parse(JSON.parse((await run(['ip', 'demo', '--json'])).stdout)).interfaces).toEqual(
      interfaces,
    );
    daemon.on('GET /v1/machines/demo/addresses', json({ ip: null, interfaces: [] }));
    expect(await run(['ip', 'demo'])).toMatchObject({ code: 1, stdout: '' });
  });

  it('saves a screenshot in the current directory', async () => {
    const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255]);
    daemon.on('GET /v1/machines/demo/screenshot', (response) =>
      response.writeHead(200, { 'content-type': 'image/png' }).end(png),
    );
    const path = join(daemon.home, 's.png');
    const { stdout } = await run(['screenshot', 'demo', 's.png', '--json']);
    expect(JSON.parse(stdout)).toEqual({ name: 'demo', path, sizeBytes: png.length });
    await mkdir(join(daemon.home, 'directory'));
    const failed = await run(['screenshot', 'demo', 'directory']);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain(join(daemon.home, 'directory'));
  });

  it('lists, pulls, imports and deletes images', async () => {
    const image = {
      id: 'debian-12',
      name: 'Debian 12',
      arch: 'aarch64',
      source: 'catalogue',
      guestOS: null,
      sizeBytes: 1024 ** 2,
      cached: true,
      path: '/i',
    };
    daemon.on('GET /v1/images', json([image]));
    daemon.on('POST /v1/images/pull', result(image));
    daemon.on('POST /v1/images/import', result(image));
    daemon.on('DELETE /v1/images/debian-12', json({ ok: true }));
    expect((await run(['image', 'ls'])).stdout).toContain(
      'debian-12  Debian 12  aarch64  catalogue  1 MiB  yes\n',
    );
    expect(
      JSON.parse((await run(['image', 'pull', 'debian-12', '--arch', 'aarch64', '--json'])).stdout),
    ).toEqual(image);
    expect((await run(['image', 'import', 'x.vmdk', '--name', 'n'])).code).toBe(0);
    expect((await run(['image', 'delete', 'debian-12', '--arch', 'x86_64'])).code).toBe(0);
    expect(bodies().slice(1, 3)).toEqual([
      { image: 'debian-12', arch: 'aarch64' },
      { path: join(daemon.home, 'x.vmdk'), name: 'n' },
    ]);
    expect(daemon.requests.at(-1)?.path).toBe('/v1/images/debian-12?arch=x86_64');
  });

  it('lets doctor fail with 5', async () => {
    const checks = [{ name: 'kvm', status: 'failed', message: 'no guest boots', next: 'Use tcg.' }];
    daemon.on('POST /v1/doctor', result({ ok: false, checks }));
    const { code, stdout } = await run(['doctor', '--fresh']);
    expect(code).toBe(5);
    expect(stdout).toBe('CHECK  STATUS  FOUND\nkvm    failed  no guest boots\nkvm: Use tcg.\n');
    expect(bodies()).toEqual([{ fresh: true }]);
  });
});
