import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

/** One end of a TCP connection over IPv4, as in the tables of /proc/net on a little-endian host: 127.0.0.1:80 is 0100007F:0050. */
function endOf(address: string, port: number): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return `${bytes.reverse().join('')}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
}

/** An IPv4 address in an IPv6 socket, ::ffff:a.b.c.d, written without that prefix. */
const mapped = '0000000000000000FFFF0000';

/** The user of the socket with these two ends in a /proc/net/tcp table (proc(5)); undefined if it is not there. */
export function userInTable(table: string, local: string, remote: string): number | undefined {
  for (const line of table.split('\n').slice(1)) {
    const [, from = '', to = '', , , , , user] = line.trim().split(/\s+/);
    if (from.replace(mapped, '') === local && to.replace(mapped, '') === remote) return Number(user);
  }
  return undefined;
}

/**
 * Whether another user of this host is at the other end of a TCP connection over 127.0.0.1: neither the user of this process nor
 * root. Only Linux tells; elsewhere, and where its tables do not have our own end either, the answer is false.
 */
export async function isForeignPeer(socket: Socket): Promise<boolean> {
  const { localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 } = socket;
  const [ours, theirs] = [endOf(localAddress, localPort), endOf(remoteAddress, remotePort)];
  const read = async (name: string) => await readFile(`/proc/net/${name}`, 'latin1').catch(() => '');
  const table = (await Promise.all(['tcp', 'tcp6'].map(read))).join('\n');
  if (userInTable(table, ours, theirs) === undefined) return false;
  const user = userInTable(table, theirs, ours);
  return user !== 0 && user !== process.getuid?.();
}

/** Whether this host tells whose the other end of a connection is. */
export const tellsPeers = process.platform === 'linux';
