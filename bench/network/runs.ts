import { acceptPort, guestPort, type NetworkLab, type Path } from './lab.ts';

/** Seconds of one run. */
export const seconds = 3;

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

/** Runs iperf3 in a guest. @returns what the receiver got, in Mbit/s */
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
  const text = await lab.one.sh(`iperf3 ${options.join(' ')} || true`);
  const report = JSON.parse(text) as IperfReport;
  const bits = report.end?.sum_received?.bits_per_second;
  if (report.error !== undefined || bits === undefined)
    throw new Error(`iperf3 from ${path} ${direction}: ${report.error ?? 'no result'}`);
  return bits / 1e6;
}

/** Opens connections one after the other, each ended by the other side. @returns how many a second */
export async function connections(lab: NetworkLab, path: Path, to: 'host' | 'guest'): Promise<number> {
  const target = await lab.target(path, to);
  const port = to === 'guest' ? acceptPort : lab.acceptPort;
  const perl = `use Socket; my $end = time + ${seconds}; my $count = 0; my $to = sockaddr_in(${port}, inet_aton("${target}"));
    until (time >= $end) { socket(S, PF_INET, SOCK_STREAM, 0); connect(S, $to) or die $!; sysread(S, $b, 1); close(S); $count++ }
    print $count`;
  // Begins with a second, so that all of them are whole.
  const text = await lab.one.sh(`perl -e 'my $now = time; 1 while time == $now;${perl}'`);
  return Math.round(Number(text) / seconds);
}
