import { poll } from '../../src/core/deadline.ts';
import type { Guest } from './guest.ts';
import type { TestHome } from './home.ts';

/** The port of a guest's echo server. */
const echoPort = 7777;

/** Waits until a guest has an IPv4 address other than `old`; the address. */
export async function addressOf(guest: Guest, old = '', device = 'eth0'): Promise<string> {
  const line = `ip -4 -o addr show ${device} | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p'`;
  const look = async () => {
    const text = (await guest.sh(line)).trim();
    return text !== '' && text !== old ? text : undefined;
  };
  const address = await poll(look, { deadlineMs: 30_000 });
  if (address === undefined) throw new Error(`${guest.name} got no address.`);
  return address;
}

/** The address of a guest's default route. */
export async function gatewayOf(guest: Guest): Promise<string> {
  return (await guest.sh(`ip route show default | sed -n 's/default via \\([0-9.]*\\).*/\\1/p'`)).trim();
}

/** Waits until a guest has a global IPv6 address; the address. */
export async function ipv6AddressOf(guest: Guest): Promise<string> {
  const line = `ip -6 -o addr show eth0 scope global | sed -n 's/.*inet6 \\([0-9a-f:]*\\).*/\\1/p'`;
  const look = async () => {
    const text = (await guest.sh(line)).trim();
    return text === '' ? undefined : text;
  };
  const address = await poll(look, { deadlineMs: 30_000 });
  if (address === undefined) throw new Error(`${guest.name} got no IPv6 address.`);
  return address;
}

/** Has a guest send everything back that comes to a port over TCP; resolves when it listens. */
export async function serveEcho(guest: Guest, port = echoPort): Promise<void> {
  await guest.sh(`nc -ll -p ${port} -e /bin/cat </dev/null >/dev/null 2>&1 &`);
  // In the tables of the kernel 0A is the state of a listener (proc(5)).
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')} [0:]* 0A`;
  const line = `cat /proc/net/tcp /proc/net/tcp6 | grep -c "${end}" || true`;
  const listens = async () => ((await guest.sh(line)).trim() === '0' ? undefined : true);
  if (!(await poll(listens, { deadlineMs: 20_000 })))
    throw new Error(`${guest.name} does not listen on port ${port}.`);
}

/** Whether a guest gets an answer over TCP from an echo server. */
export async function reachesTcp(guest: Guest, target: string, port = echoPort): Promise<boolean> {
  const line = `echo hello | timeout 5 nc -w 2 ${target} ${port} 2>/dev/null || true`;
  return (await guest.sh(line)) === 'hello\n';
}

/** Whether a UDP datagram of a guest arrives: the target says that nothing listens there (ICMP). */
export async function reachesUdp(guest: Guest, target: string): Promise<boolean> {
  return (await guest.sh(`traceroute -n -m 1 -q 1 -w 2 ${target} 2>/dev/null || true`)).includes(' ms');
}

export async function reachesPing(guest: Guest, target: string): Promise<boolean> {
  return (await guest.sh(`ping -c 1 -W 2 ${target} >/dev/null 2>&1 && echo yes || true`)) === 'yes\n';
}

/** The processes of a network. */
export async function processesOf(
  home: TestHome,
  network: string,
): Promise<{ switchPid: number | null; natPid: number | null }> {
  return await home.ask(async (client) => await client.networks.show(network));
}
