import { acceptPort, guestPort, type NetworkLab, type Path } from './lab.ts';

/** Seconds of one run; and after how many one that has not ended by itself is ended without a result. */
export const seconds = 2;
const longest = 10;

/** A run of which there is no result: iperf3 or the network has failed, or has come to a halt. */
export class NoResult extends Error {}

interface IperfReport {
  readonly error?: string;
  readonly end?: { readonly sum_received?: { readonly bits_per_second?: number } };
}

export interface Flow {
  readonly path: Path;
  readonly direction: 'out' | 'in' | 'guests';
  readonly transport: 'tcp' | 'udp';
  readonly mtu: number;
}

/** Runs iperf3 in a guest. @returns what the receiver got, in Mbit/s. @throws NoResult */
export async function throughput(lab: NetworkLab, flow: Flow): Promise<number> {
  const { path, direction, transport, mtu } = flow;
  await lab.setMtu(mtu);
  const to = direction === 'guests' ? 'guest' : 'host';
  const target = await lab.target(path, to);
  const port = to === 'guest' ? guestPort : lab.iperfPort;
  const options = [
    `--client ${target} --port ${port} --time ${seconds} --json`,
    // One datagram for each frame; as fast as the sender can.
    ...(transport === 'udp' ? [`--udp --bitrate 0 --length ${mtu - 28}`] : []),
    ...(direction === 'in' ? ['--reverse'] : []),
  ];
  const report = JSON.parse(await bounded(lab, `iperf3 ${options.join(' ')}`)) as IperfReport;
  const bits = report.end?.sum_received?.bits_per_second;
  if (report.error !== undefined || bits === undefined)
    throw new NoResult(`iperf3: ${report.error ?? 'no result'}`);
  return bits / 1e6;
}

/** Runs a program in the first guest. @throws NoResult if it prints nothing until its time is over */
async function bounded({ one }: NetworkLab, program: string): Promise<string> {
  const text = await one.sh(`timeout -s KILL ${longest} ${program} || true`);
  if (text === '') throw new NoResult('no result');
  return text;
}

/** Opens connections one after the other, each ended by the other side. @returns how many a second. @throws NoResult */
export async function connections(lab: NetworkLab, path: Path, to: 'host' | 'guest'): Promise<number> {
  const target = await lab.target(path, to);
  const port = to === 'guest' ? acceptPort : lab.acceptPort;
  const perl = `use Socket; my $end = time + ${seconds}; my $count = 0; my $to = sockaddr_in(${port}, inet_aton("${target}"));
    until (time >= $end) { socket(S, PF_INET, SOCK_STREAM, 0); connect(S, $to) or exit; sysread(S, $b, 1); close(S); $count++ }
    print $count`;
  // Begins with a second, so that all of them are whole.
  const text = await bounded(lab, `perl -e 'my $now = time; 1 while time == $now;${perl}'`);
  return Math.round(Number(text) / seconds);
}
