import { expect, it } from 'vitest';
import { diskBytesIn, hostCounters, networkBytesIn } from './host-counters.ts';

const diskstats = `
   7       0 loop0 9 9 9 9 9 9 9 9 0 0 0
 254       0 vda 1446977 255672 100 1222136 1711600 768055 200 4765609 0 527828 6278066
 254       1 vda1 1 1 100 1 1 1 200 1 0 1 1
 253       0 dm-0 1 1 100 1 1 1 200 1 0 1 1
`;

const netDev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 5000 1 0 0 0 0 0 0 5000 1 0 0 0 0 0 0
  eth0:1000 9 0 0 0 0 0 0 2000 9 0 0 0 0 0 0
 wlan0: 1 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0
`;

it('counts each disk once, in bytes', () => {
  const names = new Set(['loop0', 'vda', 'dm-0']);
  expect(diskBytesIn(diskstats, names)).toEqual({ readBytes: 51_200, writtenBytes: 102_400 });
  expect(diskBytesIn('8 0 sda 1', new Set(['sda']))).toBeNull();
});

it('counts the adapters of the host', () => {
  const counts = (name: string) => name !== 'lo';
  expect(networkBytesIn(netDev, counts)).toEqual({ receivedBytes: 1001, sentBytes: 2002 });
  expect(networkBytesIn('eth0: 1 2', counts)).toBeNull();
});

it.runIf(process.platform === 'linux')('reads those of this host', async () => {
  const { disks, network } = await hostCounters();
  expect(disks?.readBytes).toBeGreaterThanOrEqual(0);
  expect(network?.sentBytes).toBeGreaterThanOrEqual(0);
});
