import { createServer, type Server } from 'node:net';
import { createSocket } from 'node:dgram';
import { describe, expect, it } from 'vitest';
import { firstOfLsof, listeningInodes, portOwner } from './port-owner.ts';
import { freePort, whyNotListening } from './port-probe.ts';

/** Lines of /proc/net/tcp on a host. */
const head =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const line = (local: string, state: string, inode: number) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0000000000000000 100 0 0 10 0`;
const place = { transport: 'tcp', bind: '127.0.0.1', hostPort: 8080 } as const;

describe('the sockets in a table of the kernel', () => {
  const table = [
    head,
    line('0100007F:1F90', '0A', 1),
    line('00000000:1F90', '0A', 2),
    line('0101A8C0:1F90', '0A', 3),
    line('0100007F:1F90', '01', 4),
    line('0100007F:1F91', '0A', 5),
    line('00000000000000000000000000000000:1F90', '0A', 6),
    line('0000000000000000FFFF00000100007F:1F90', '0A', 7),
    line('00000000000000000000000001000000:1F90', '0A', 8),
    '',
    'nonsense',
  ].join('\n');

  it('are those that listen at the address, or at all of them', () => {
    expect(listeningInodes(table, place)).toEqual(['1', '2', '6', '7']);
    expect(listeningInodes(table, { ...place, bind: '0.0.0.0' })).toEqual(['1', '2', '3', '6', '7', '8']);
    expect(listeningInodes(table, { ...place, transport: 'udp' })).toEqual([]);
  });
});

it('the first process in the output of lsof', () => {
  expect(firstOfLsof('p123\ncnode\nf20\np124\ncother\n')).toEqual({ pid: 123, program: 'node' });
  expect(firstOfLsof('')).toBeUndefined();
});

describe('a port', () => {
  it('that is free can be listened on; one that is taken has an owner', async () => {
    const hostPort = await freePort('127.0.0.1');
    const own = { ...place, hostPort };
    expect(await whyNotListening(own)).toBeUndefined();
    const server: Server = createServer();
    await new Promise<void>((resolve) => server.listen(hostPort, '127.0.0.1', resolve));
    try {
      expect(await whyNotListening(own)).toBe('EADDRINUSE');
      expect(await portOwner(own)).toMatchObject({ pid: process.pid });
    } finally {
      server.close();
    }
  });

  it('of UDP has one too', async () => {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    try {
      const own = { transport: 'udp', bind: '127.0.0.1', hostPort: socket.address().port } as const;
      expect(await whyNotListening(own)).toBe('EADDRINUSE');
      expect(await portOwner(own)).toMatchObject({ pid: process.pid });
    } finally {
      socket.close();
    }
  });

  it('of an address that is not of this host cannot be listened on', async () => {
    expect(await whyNotListening({ ...place, bind: '192.0.2.1', hostPort: 0 })).toBe('EADDRNOTAVAIL');
  });
});
