import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './process.ts';
import type { ListeningPlace } from './port-probe.ts';

export interface PortOwner {
  readonly pid: number;
  /** The name of its program. */
  readonly program: string;
}

/** `0A` is LISTEN (linux/net/tcp_states.h); a UDP socket that is bound and not connected is `07`. */
const listeningState = { tcp: '0A', udp: '07' } as const;

/** An IPv4 address as in /proc/net/tcp on a little-endian host: 127.0.0.1 is 0100007F. */
function hexOf(address: string): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return bytes.reverse().join('').toUpperCase();
}

/** Whether a local address in /proc/net/{tcp,udp}{,6} stands in the way of an IPv4 address. */
function isInTheWay(local: string, bind: string): boolean {
  const wildcard = /^0+$/.test(local) || bind === '0.0.0.0';
  // An IPv4 address in an IPv6 socket: ::ffff:a.b.c.d.
  return wildcard || local === hexOf(bind) || local === `0000000000000000FFFF0000${hexOf(bind)}`;
}

/** The inodes of the sockets in a /proc/net table that listen at a place (proc(5)). */
export function listeningInodes(table: string, { transport, bind, hostPort }: ListeningPlace): string[] {
  const port = hostPort.toString(16).toUpperCase().padStart(4, '0');
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
      const [address = '', localPort] = local.split(':');
      const isMeant = localPort === port && state === listeningState[transport] && isInTheWay(address, bind);
      return isMeant && inode !== '0' && inode !== '' ? [inode] : [];
    });
}

/** The process among those that may be looked into that has one of these sockets open. */
async function linuxHolder(inodes: ReadonlySet<string>): Promise<PortOwner | undefined> {
  const links = new Set([...inodes].map((inode) => `socket:[${inode}]`));
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const directory = join('/proc', pid, 'fd');
    // A process that cannot be read belongs to another user, or has ended.
    const files = await readdir(directory).catch(() => []);
    for (const file of files) {
      if (!links.has(await readlink(join(directory, file)).catch(() => ''))) continue;
      const program = (await readFile(join('/proc', pid, 'comm'), 'utf8').catch(() => '')).trim();
      return { pid: Number(pid), program: program === '' ? 'a program' : program };
    }
  }
  return undefined;
}

async function linuxOwner(place: ListeningPlace): Promise<PortOwner | undefined> {
  const tables = await Promise.all(
    ['', '6'].map(
      async (suffix) => await readFile(`/proc/net/${place.transport}${suffix}`, 'latin1').catch(() => ''),
    ),
  );
  const inodes = new Set(tables.flatMap((table) => listeningInodes(table, place)));
  return inodes.size === 0 ? undefined : await linuxHolder(inodes);
}

/** The first process in the output of `lsof -F pc`: a line `pPID`, then a line `cPROGRAM`. */
export function firstOfLsof(output: string): PortOwner | undefined {
  const [, pid, program] = /^p(\d+)\nc([^\n]+)/m.exec(output) ?? [];
  return pid === undefined || program === undefined ? undefined : { pid: Number(pid), program };
}

async function lsofOwner({ transport, hostPort }: ListeningPlace): Promise<PortOwner | undefined> {
  const which = transport === 'tcp' ? [`-iTCP:${hostPort}`, '-sTCP:LISTEN'] : [`-iUDP:${hostPort}`];
  const { stdout } = await run('lsof', ['-nP', ...which, '-Fpc'], { timeoutMs: 5000 });
  return firstOfLsof(stdout);
}

/**
 * The process that listens at a place.
 * @returns undefined if nothing does, or if it belongs to another user and this one may not know
 */
export async function portOwner(place: ListeningPlace): Promise<PortOwner | undefined> {
  if (process.platform === 'linux') return await linuxOwner(place);
  // It is only for a message.
  return await lsofOwner(place).catch(() => undefined);
}
