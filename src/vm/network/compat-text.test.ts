import { describe, expect, it } from 'vitest';
import type { Lease, NetworkForward } from '../../api/network.ts';
import { dhcpText, leasesText, natText, netmapText } from './compat-text.ts';

const lease: Lease = {
  address: '192.168.3.130',
  mac: '00:0c:29:01:02:03',
  machine: 'web',
  hostName: 'web";}\nlease 1.2.3.4 {',
  startedAt: '2026-11-26T08:05:09.123Z',
  expiresAt: '2026-11-26T08:35:09.123Z',
};
const forward = {
  transport: 'tcp',
  hostPort: 8080,
  address: '192.168.3.130',
  guestPort: 80,
} as NetworkForward;

/** What programs read: without comments. */
const linesOf = (text: string): string[] => text.split('\n').filter((line) => !line.startsWith('#'));

describe('files about networks', () => {
  it('name them, and their devices', () => {
    expect(linesOf(netmapText(['vmnet0', 'vmnet8', 'lab']))).toEqual([
      'network0.name = "Bridged"',
      'network0.device = "vmnet0"',
      'network1.name = "NAT"',
      'network1.device = "vmnet8"',
      'network2.name = "lab"',
      'network2.device = "lab"',
      '',
    ]);
  });

  it('tell addresses as the DHCP server of ISC would', () => {
    expect(linesOf(dhcpText({ name: 'vmnet8', subnet: '192.168.3.0/24' }))).toEqual([
      'subnet 192.168.3.0 netmask 255.255.255.0 {',
      '  range 192.168.3.128 192.168.3.253;',
      '  option broadcast-address 192.168.3.255;',
      '  option domain-name-servers 192.168.3.3;',
      '  option routers 192.168.3.2;',
      '  default-lease-time 1800;',
      '  max-lease-time 7200;',
      '}',
      'host vmnet8 {',
      '  hardware ethernet 00:50:56:c0:00:08;',
      '  fixed-address 192.168.3.2;',
      '}',
      '',
    ]);
    expect(linesOf(dhcpText({ name: 'lab', subnet: null }))).toEqual(['']);
  });

  it('tell leases; a guest cannot add lines by its name', () => {
    expect(linesOf(leasesText([lease, { ...lease, hostName: null }]))).toEqual([
      'lease 192.168.3.130 {',
      '\tstarts 4 2026/11/26 08:05:09;',
      '\tends 4 2026/11/26 08:35:09;',
      '\thardware ethernet 00:0c:29:01:02:03;',
      '\tclient-hostname "weblease1.2.3.4";',
      '}',
      'lease 192.168.3.130 {',
      '\tstarts 4 2026/11/26 08:05:09;',
      '\tends 4 2026/11/26 08:35:09;',
      '\thardware ethernet 00:0c:29:01:02:03;',
      '}',
      '',
    ]);
  });

  it('tell port forwards that lead to a guest', () => {
    const forwards = [forward, { ...forward, transport: 'udp', hostPort: 53 }, { ...forward, address: null }];
    expect(linesOf(natText({ subnet: '192.168.3.0/24' }, forwards as NetworkForward[]))).toEqual([
      '[host]',
      'ip = 192.168.3.2',
      'netmask = 255.255.255.0',
      '',
      '[incomingtcp]',
      '8080 = 192.168.3.130:80',
      '',
      '[incomingudp]',
      '53 = 192.168.3.130:80',
      '',
    ]);
  });
});
