import { describe, expect, it } from 'vitest';
import type { MachineNic } from '../../src/api/nic.ts';
import { bodies, daemon, run, useDaemon } from './cli-run.ts';
import { json } from './cli-support.ts';

useDaemon();

const unshaped = { bitsPerSecond: null, lossPerMille: 0, latencyMs: 0 };
const nic: MachineNic = {
  index: 0,
  model: 'virtio-net',
  mac: '00:0c:29:00:00:01',
  network: 'nat',
  connected: true,
  receive: unshaped,
  transmit: unshaped,
  removable: false,
};
const of = '/v1/machines/demo/nics';

describe('nic', () => {
  it('list shows cables and limits', async () => {
    const receive = { bitsPerSecond: 10_000_000, lossPerMille: 10, latencyMs: 20 };
    const second = { ...nic, index: 1, network: 'segment:ID', connected: false, receive };
    daemon.on(`GET ${of}`, json([nic, second]));
    expect((await run(['nic', 'list', 'demo'])).stdout.split('\n')).toEqual(
      [
        'NIC  NETWORK     MODEL       MAC                CABLE   RECEIVE                          TRANSMIT',
        '0    nat         virtio-net  00:0c:29:00:00:01  in      -                                -',
        '1    segment:ID  virtio-net  00:0c:29:00:00:01  pulled  10 Mbit/s, 1 % lost, +20 ms      -',
        '',
      ].map(
        (line) =>
          expect.stringMatching(
            new RegExp(`^${line.replaceAll(/ {2,}/g, ' {2,}').replaceAll('+', String.raw`\+`)} *$`),
          ) as string,
      ),
    );
  });

  it('add says what the guest got', async () => {
    daemon.on(`POST ${of}`, json({ ...nic, index: 1, network: 'hostonly' }));
    const { stdout } = await run(['nic', 'add', 'demo', '--network', 'host-only', '--model', 'e1000e']);
    expect(stdout).toBe('demo: adapter 1 was added: virtio-net on hostonly, 00:0c:29:00:00:01\n');
    expect(bodies()).toEqual([{ network: 'host-only', model: 'e1000e' }]);
  });

  it('set takes limits for both directions or for one', async () => {
    daemon.on(`PATCH ${of}/0`, json({ ...nic, connected: false }));
    const limits = ['--loss', '1%', '--latency', '20ms', '--bandwidth', '10mbit'];
    const { stdout } = await run(['nic', 'set', 'demo', '0', ...limits, '--rx-loss', '0%', '--disconnect']);
    expect(stdout).toBe('demo: adapter 0 is on nat, its cable is pulled; receive -, transmit -\n');
    await run(['nic', 'set', 'demo', '0', '--tx-bandwidth', 'none', '--network', 'lab']);
    const both = { latencyMs: 20, bitsPerSecond: 10_000_000 };
    expect(bodies()).toEqual([
      { connected: false, receive: { ...both, lossPerMille: 0 }, transmit: { ...both, lossPerMille: 10 } },
      { network: 'lab', transmit: { bitsPerSecond: null } },
    ]);
  });

  it('remove reports it', async () => {
    daemon.on(`DELETE ${of}/1`, json({ ...nic, index: 1 }));
    expect((await run(['nic', 'remove', 'demo', '1'])).stdout).toBe('demo: adapter 1 was removed\n');
  });

  it.each([
    [['set', 'demo', '0', '--connect', '--disconnect'], /contradict each other/],
    [['set', 'demo', '10', '--connect'], /The number of the adapter is "10"/],
    [['set', 'demo', '0', '--loss', '1'], /--loss is "1", which is not a percentage/],
    [['set', 'demo', '0', '--rx-latency', 'x'], /--rx-latency is "x", which is not a time/],
    [['set', 'demo', '0', '--bandwidth', '10'], /--bandwidth is "10", which is not a rate/],
  ])('%j is refused', async (words, message) => {
    const { code, stderr } = await run(['nic', ...words]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});
