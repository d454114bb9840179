import { describe, expect, it } from 'vitest';
import type * as api from '../../src/api/network.ts';
import { asked, bodies, daemon, run, useDaemon } from './cli-run.ts';
import { demo } from './cli-samples.ts';
import { json, problem } from './cli-support.ts';

useDaemon();

const vmnet8: api.NetworkInfo = {
  name: 'vmnet8',
  type: 'nat',
  broken: null,
  subnet: '192.168.77.0/24',
  dhcp: true,
  mtu: 1500,
  interface: null,
  hostLoopback: false,
  boot: null,
  running: true,
  machines: ['demo', 'web'],
};
const forward: api.NetworkForward = {
  transport: 'tcp',
  bind: '127.0.0.1',
  hostPort: 8080,
  machine: 'web',
  machineId: '0f6c1f6e-8a53-4bd5-9c7a-0d8a4ab6d3d2',
  address: '192.168.77.130',
  guestPort: 80,
  description: '',
  automatic: false,
  state: 'listening',
  reason: null,
};
const details: api.NetworkDetails = {
  ...vmnet8,
  gateway: '192.168.77.2',
  nameServer: '192.168.77.3',
  dhcpServer: '192.168.77.254',
  ipv6Prefix: 'fd12:3456:789a:8::',
  adapters: [
    {
      machine: 'web',
      device: 'ethernet0',
      mac: '00:0c:29:00:00:01',
      address: '192.168.77.130',
      hostName: 'web.kame',
      connected: true,
      connections: 4,
      dropped: { 'spoofed-mac': 3, storm: 12 },
    },
  ],
  forwards: [forward],
  reservations: [{ mac: '00:0c:29:00:00:01', address: '192.168.77.130', machine: 'web' }],
  switchPid: 7,
  natPid: 8,
  trouble: null,
};
const of = '/v1/networks/vmnet8';
const ok = json({ ok: true });

describe('network', () => {
  it('list shows machines, and ends with 1 when one is broken', async () => {
    daemon.on('GET /v1/networks', json([vmnet8]));
    expect(await run(['network', 'list'])).toMatchObject({
      code: 0,
      stdout:
        'NAME    TYPE  SUBNET           DHCP  STATE    MACHINES\n' +
        'vmnet8  NAT   192.168.77.0/24  yes   running  demo, web\n',
    });
    const broken = {
      ...vmnet8,
      name: 'lab',
      type: null,
      subnet: null,
      broken: 'mtu is "1".',
      running: false,
    };
    daemon.on('GET /v1/networks', json([{ ...broken, machines: [] }]));
    expect(await run(['network', 'ls'])).toMatchObject({
      code: 1,
      stdout: 'NAME  TYPE  SUBNET  DHCP  STATE   MACHINES\nlab   -     -       -     broken  -\n',
      stderr: 'Broken: lab: mtu is "1".\n',
    });
  });

  it('list says nothing of the state of a bridged one, which is the host’s', async () => {
    const bridged = {
      ...vmnet8,
      name: 'br',
      type: 'bridged',
      interface: 'br0',
      subnet: null,
      running: false,
    };
    daemon.on('GET /v1/networks', json([bridged]));
    expect((await run(['network', 'list'])).stdout).toMatch(/^br +bridged \(br0\) +- +yes +- +demo, web$/mu);
  });

  it('show prints adapters, forwards and reservations', async () => {
    daemon.on(`GET ${of}`, json(details));
    const { stdout } = await run(['network', 'show', 'vmnet8']);
    expect(stdout).toContain('IPv6 prefix  fd12:3456:789a:8::/64\n');
    expect(stdout).toContain(
      'web      ethernet0  00:0c:29:00:00:01  192.168.77.130  web.kame  yes        4\n',
    );
    expect(stdout).toContain('Dropped from web ethernet0: 3 spoofed-mac, 12 storm\n');
    expect(stdout).toContain('tcp       127.0.0.1:8080  web:80  listening\n');
    expect(stdout).toContain('192.168.77.130  00:0c:29:00:00:01  web\n');
    expect(JSON.parse((await run(['network', 'show', 'vmnet8', '--json'])).stdout)).toEqual(details);
  });

  it('create sends only what was given', async () => {
    daemon.on('POST /v1/networks', json({ ...details, name: 'lab', type: 'hostonly' }));
    expect((await run(['network', 'create', 'lab', '--host-only'])).stdout).toBe(
      'lab was created: host-only, 192.168.77.0/24\n',
    );
    const all = '--subnet 10.9.8.0/24 --mtu 9000 --no-dhcp --host-loopback --boot tftp/grub.efi'.split(' ');
    await run(['network', 'create', 'lab', ...all], { cwd: '/srv' });
    await run(['network', 'create', 'vmnet0', '--bridged', 'br0']);
    expect(bodies()).toEqual([
      { name: 'lab', type: 'hostonly' },
      {
        name: 'lab',
        subnet: '10.9.8.0/24',
        mtu: 9000,
        dhcp: false,
        hostLoopback: true,
        boot: { directory: '/srv/tftp', file: 'grub.efi' },
      },
      { name: 'vmnet0', type: 'bridged', interface: 'br0' },
    ]);
  });

  it('set turns options off too', async () => {
    daemon.on(`PATCH ${of}`, json(details));
    await run(['network', 'set', 'vmnet8', '--no-boot', '--no-host-loopback', '--dhcp']);
    expect((await run(['network', 'set', 'vmnet8', '--mtu', '9000'])).stdout).toBe(
      'vmnet8 was changed: NAT, 192.168.77.0/24\n',
    );
    expect(bodies()).toEqual([{ dhcp: true, hostLoopback: false, boot: null }, { mtu: 9000 }]);
  });

  it('delete asks first', async () => {
    daemon.on('DELETE /v1/networks/lab', ok);
    expect(await run(['network', 'delete', 'lab'])).toMatchObject({ code: 2 });
    expect(await run(['network', 'delete', 'lab', '--yes'])).toMatchObject({
      code: 0,
      stdout: 'lab was deleted\n',
    });
  });

  it.each([
    [['network'], /kame network needs a subcommand: list, show/],
    [['network', 'forward'], /kame network forward needs a subcommand: add, list, remove/],
    [['network', 'forward', 'ad'], /Unknown command 'ad'\.\n {2}Did you mean add\?/],
    [['network', 'forward', 'add', 'vmnet8', 'sctp', '80', 'web:80'], /Allowed choices are tcp, udp/],
    [['network', 'forward', 'add', 'vmnet8', 'tcp', '0', 'web:80'], /The port of the host is "0"/],
    [['network', 'forward', 'add', 'vmnet8', 'tcp', '80', 'web'], /must be MACHINE:PORT or IP:PORT/],
    [['network', 'forward', 'add', 'vmnet8', 'tcp', '80', 'web:x'], /The port of the guest is "x"/],
    [['network', 'create', 'lab', '--nat', '--private'], /A network has one type/],
    [['network', 'create', 'lab', '--mtu', '10'], /from 576 to 65521/],
    [['network', 'set', 'vmnet8'], /Nothing to change/],
    [['network', 'reserve', 'vmnet8', 'web'], /Either an address or --release/],
    [['network', 'reserve', 'vmnet8', 'web', '192.168.77.9', '--release'], /Either an address or --release/],
  ])('%j is wrong usage', async (argv, message) => {
    const { code, stderr } = await run(argv);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
    expect(daemon.requests).toEqual([]);
  });
});

describe('network forward', () => {
  it('add says where the port leads, and when', async () => {
    daemon.on(`POST ${of}/forwards`, json({ ...forward, state: 'waiting' }));
    expect((await run(['network', 'forward', 'add', 'vmnet8', 'tcp', '8080', 'web:80'])).stdout).toBe(
      'vmnet8: tcp 127.0.0.1:8080 leads to web:80, while a machine runs in the network\n',
    );
    await run('network forward add vmnet8 udp 53 192.168.77.10:53 --bind 0.0.0.0'.split(' '));
    expect(bodies()).toEqual([
      { transport: 'tcp', hostPort: 8080, target: 'web', guestPort: 80 },
      { transport: 'udp', hostPort: 53, target: '192.168.77.10', guestPort: 53, bind: '0.0.0.0' },
    ]);
  });

  it('add ends with 4 when the port is taken', async () => {
    daemon.on(`POST ${of}/forwards`, problem(409, 'PORT_IN_USE', 'nginx (process 7) does.'));
    expect(await run(['network', 'forward', 'add', 'vmnet8', 'tcp', '80', 'web:80'])).toMatchObject({
      code: 4,
      stderr: 'kame: nginx (process 7) does.\n  Do this.\n',
    });
  });

  it('list shows those of all networks, with machines that are gone', async () => {
    daemon.on('GET /v1/networks', json([vmnet8, { ...vmnet8, name: 'odd', broken: 'x' }]));
    const gone = {
      ...forward,
      hostPort: 9000,
      machine: null,
      address: null,
      state: 'failed',
      reason: 'Gone.',
    };
    daemon.on(`GET ${of}/forwards`, json([forward, gone, { ...forward, hostPort: 40022, automatic: true }]));
    const { stdout } = await run(['network', 'forward', 'list']);
    expect(stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '))).toEqual([
      'NETWORK | PROTOCOL | HOST | GUEST | STATE | NOTE',
      'vmnet8 | tcp | 127.0.0.1:8080 | web:80 | listening',
      `vmnet8 | tcp | 127.0.0.1:9000 | (no machine ${forward.machineId}):80 | failed | Gone.`,
      'vmnet8 | tcp | 127.0.0.1:40022 | web:80 | listening | for kame ssh',
      '',
    ]);
  });

  it('remove names the port, and the address if needed', async () => {
    daemon.on(`DELETE ${of}/forwards/tcp/8080`, ok);
    const words = ['network', 'forward', 'remove', 'vmnet8', 'tcp', '8080'];
    expect((await run(words)).stdout).toBe('vmnet8: tcp 8080 is no longer forwarded\n');
    await run([...words, '--bind', '0.0.0.0']);
    expect(asked()).toEqual([
      `DELETE ${of}/forwards/tcp/8080`,
      `DELETE ${of}/forwards/tcp/8080?bind=0.0.0.0`,
    ]);
  });
});

it('network reserve chooses and gives up an address; leases lists who has one', async () => {
  const reservation: api.Reservation = { mac: '00:0c:29:00:00:01', address: '192.168.77.10', machine: 'web' };
  daemon.on(`PUT ${of}/reservations/web`, json(reservation));
  daemon.on(`DELETE ${of}/reservations/web`, json({ ...reservation, machine: null }));
  expect((await run(['network', 'reserve', 'vmnet8', 'web', '192.168.77.10'])).stdout).toBe(
    'vmnet8: web gets 192.168.77.10 when it asks for an address the next time\n',
  );
  expect((await run(['network', 'reserve', 'vmnet8', 'web', '--release'])).stdout).toBe(
    'vmnet8: 192.168.77.10 is no longer reserved for 00:0c:29:00:00:01\n',
  );
  const times = { startedAt: '2026-11-28T10:00:00.000Z', expiresAt: '2026-11-28T12:00:00.000Z' };
  daemon.on(`GET ${of}/leases`, json([{ ...reservation, hostName: 'x\u001b[2J', ...times }]));
  expect((await run(['network', 'leases', 'vmnet8'])).stdout).toBe(
    'ADDRESS        MAC                MACHINE  HOST NAME  UNTIL\n' +
      '192.168.77.10  00:0c:29:00:00:01  web      x\\x1b[2J   2026-11-28T12:00:00.000Z\n',
  );
});

it('names of networks are completed', async () => {
  daemon.on('GET /v1/networks', json([vmnet8, { ...vmnet8, name: 'lab' }]));
  daemon.on('GET /v1/machines', json([demo]));
  expect((await run(['__complete', 'network', 'show', 'v'])).stdout).toBe('vmnet8\n');
  expect((await run(['__complete', 'network', 'forward', 'add', ''])).stdout).toBe('vmnet8\nlab\n');
  expect((await run(['__complete', 'network', 'forward', 'add', 'lab', 't'])).stdout).toBe('tcp\n');
  expect((await run(['__complete', 'network', 'forward', 'add', 'lab', 'tcp', '1', 'd'])).stdout).toBe(
    'demo:\n',
  );
  expect((await run(['__complete', 'network', 'reserve', 'lab', 'd'])).stdout).toBe('demo\n');
});
