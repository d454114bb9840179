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

/** Waits until a guest has an IPv6 address of that scope and knows that nobody else has it; the address. */
export async function ipv6AddressOf(guest: Guest, scope: 'global' | 'link' = 'global'): Promise<string> {
  const line = `ip -6 -o addr show eth0 scope ${scope} | sed -n '/tentative/!s/.*inet6 \\([0-9a-f:]*\\).*/\\1/p'`;
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

/** The ways on which a guest may reach a target: shell that succeeds if it does. */
export const ways = {
  /** The echo server answers. */
  tcp: (target: string) =>
    `[ "$(echo hello | timeout 10 nc -w 5 ${target} ${echoPort} 2>/dev/null)" = hello ]`,
  /**
   * A datagram arrives: the target itself, whose address is in brackets, says that nothing listens there (ICMP). Those that run at
   * the same time need ports of their own, by which they know their answers.
   */
  udp: (target: string, number: number) =>
    `traceroute${target.includes(':') ? '6' : ''} -p ${40_000 + number} -n -m 1 -q 1 -w 5 ${target} 2>/dev/null |
awk -F '[ ()]+' 'NR == 1 { to = $4 } NR == 2 { found = $3 == to && $NF == "ms" } END { exit !found }'`,
} as const;

/** Tries all targets on all ways at the same time. @returns those that were reached, as `tcp 192.0.2.1`, sorted */
export async function reached(guest: Guest, targets: readonly string[]): Promise<string[]> {
  const tries = targets.flatMap((target, at) =>
    Object.entries(ways).map(([way, line]) => `(${line(target, at * 10)} && echo ${way} ${target}) &`),
  );
  const text = await guest.sh([...tries, 'wait'].join('\n'));
  return text
    .split('\n')
    .filter((line) => line !== '')
    .sort();
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
