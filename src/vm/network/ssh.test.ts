import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { startBody } from '../../../test/support/bodies.ts';
import { fakeNetworks, type FakeNetworks } from '../../../test/support/fake-networks.ts';
import { codeOf, like, refused } from '../../../test/support/refused.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { connectSsh } from '../../api/network.ts';
import type { ProgressReport } from '../../core/progress.ts';
import { makeSeedIso } from '../../image/seed/seed.ts';
import { remove } from '../library/delete.ts';
import { start } from '../power/start.ts';
import { listForwards } from './describe.ts';
import { sshTarget } from './ssh.ts';

const world = useWorld();
let fake: FakeNetworks;
beforeEach(() => (fake = fakeNetworks(world().host)));

const ask = async (body: Parameters<typeof connectSsh.parse>[0] = { wait: false }, name = 'web') =>
  await sshTarget(fake.host, name, connectSsh.parse(body), quiet);

/** A server on a port of the loopback interface, as a forward to a guest would be. */
async function serve(text: string, port = 0): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((socket) => socket.on('error', () => undefined).end(text));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('the way to the SSH server of a guest', () => {
  it('is a permanent port of the loopback interface, even for a stopped machine', async () => {
    world().machine('web');
    const first = await ask();
    expect(first).toMatchObject({ machine: 'web', host: '127.0.0.1', user: null, alias: 'web.kame' });
    expect(first.knownHosts).toContain('/known-hosts/');
    expect(await ask()).toEqual(first);
    expect(await listForwards(fake.host, 'vmnet8')).toMatchObject([
      { hostPort: first.port, machine: 'web', guestPort: 22, automatic: true },
    ]);
    world().machine('db');
    expect((await ask({ wait: false }, 'db')).port).not.toBe(first.port);
    expect(fake.changed).toEqual(['vmnet8', 'vmnet8']);
  });

  it('changes only if another program has the port', async () => {
    world().machine('web');
    const first = await ask();
    await using _other = await serve('', first.port);
    fake.listening.add(`tcp 127.0.0.1:${first.port}`);
    // It is our own network that listens.
    expect((await ask()).port).toBe(first.port);
    fake.listening.clear();
    const second = await ask();
    expect(second.port).not.toBe(first.port);
    expect(await listForwards(fake.host, 'vmnet8')).toHaveLength(1);
    fake.failed.set(`tcp 127.0.0.1:${second.port}`, 'x has it.');
    expect((await ask()).port).not.toBe(second.port);
  });

  it('knows the user of the seed, unless another is asked for', async () => {
    const web = world().machine('web', ['kame.seed = "seed.iso"', 'kame.image = "debian-13"']);
    const seed = { instanceId: 'i', hostname: 'web', imageUser: 'debian', sshKeys: [], installAgent: true };
    writeFileSync(web.file('seed.iso'), makeSeedIso({ ...seed, user: 'me' }));
    expect((await ask()).user).toBe('me');
    writeFileSync(web.file('seed.iso'), makeSeedIso({ ...seed, user: 'debian' }));
    expect((await ask()).user).toBe('debian');
    expect((await ask({ wait: false, user: 'root' })).user).toBe('root');
  });

  it('does not exist for an isolated network or without adapters', async () => {
    world().machine('web', ['ethernet0.connectionType = "pvn"', 'ethernet0.pvnID = "52 00"']);
    world().machine('bare', ['ethernet0.present = "FALSE"']);
    expect(await refused(ask())).toMatchObject({
      code: 'INVALID_VALUE',
      message: like(/no adapter in a NAT or host-only/),
    });
    expect(await refused(ask({ wait: false }, 'bare'))).toMatchObject({ next: like(/network=nat/) });
  });

  it('forgets the host keys of a machine that is deleted', async () => {
    world().machine('web');
    const { knownHosts } = await ask();
    mkdirSync(dirname(knownHosts), { recursive: true });
    writeFileSync(knownHosts, 'web.kame ssh-ed25519 AAAA\n');
    await remove(world().host, 'web');
    expect(existsSync(knownHosts)).toBe(false);
  });
});

describe('waiting for the SSH server', () => {
  const begin = async () => {
    world().machine('web', ['kame.hardware = "2"']);
    await start(fake.host, 'web', startBody({}), quiet);
    return await ask();
  };

  it('ends when it answers, and says what it waits for', async () => {
    const { port } = await begin();
    await using _server = await serve('SSH-2.0-x\r\n', port);
    fake.listening.add(`tcp 127.0.0.1:${port}`);
    const reports: ProgressReport[] = [];
    const progress = { ...quiet, report: (report: ProgressReport) => void reports.push(report) };
    const target = await sshTarget(fake.host, 'web', connectSsh.parse({}), progress);
    expect([target.port, reports]).toEqual([port, [{ stage: 'Waiting for the SSH server of web' }]]);
  });

  it('ends in time if it does not, with the reason from the network if there is one', async () => {
    await begin();
    expect(await refused(ask({ timeoutMs: 50 }))).toMatchObject({
      code: 'GUEST_TIMEOUT',
      next: like(/kame console web/),
    });
    fake.status = { trouble: 'the switch has ended.' };
    expect(await refused(ask({ timeoutMs: 50 }))).toMatchObject({
      code: 'HOST_PROBLEM',
      message: 'The network vmnet8 does not lead to web: the switch has ended.',
    });
  });

  it('needs a running machine', async () => {
    world().machine('web');
    expect(await codeOf(ask({}))).toBe('WRONG_STATE');
  });

  it('can be cancelled', async () => {
    await begin();
    const work = sshTarget(fake.host, 'web', connectSsh.parse({}), {
      ...quiet,
      signal: AbortSignal.abort(),
    });
    expect(await codeOf(work)).toBe('CANCELLED');
  });
});
