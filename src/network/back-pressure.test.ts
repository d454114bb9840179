import { expect, it } from 'vitest';
import * as frames from '../../test/support/frames.ts';
import * as world from '../../test/support/switch-world.ts';

const { macA, macB, macC, gatewayMac } = world;
const flow = { source: '192.168.77.10', destination: '192.168.77.11', sourcePort: 1, destinationPort: 2 };
const fromA = frames.udp({ from: macA, to: macB }, flow);

function sendToSlow(network: world.SwitchWorld): { sender: world.Link; receiver: world.Link } {
  const [sender, receiver] = [network.link('a'), network.link('b')];
  receiver.isBehind = true;
  network.send('a', fromA);
  return { sender, receiver };
}

function pass(network: world.SwitchWorld, ms: number): void {
  network.now += ms;
  network.timetable.runDue();
}

it('a guest that sends faster than another takes waits until that has caught up', () => {
  using network = new world.SwitchWorld();
  const { sender, receiver } = sendToSlow(network);
  expect([sender.isPaused, network.take('b').length]).toEqual([true, 1]);
  receiver.caughtUp();
  expect(sender.isPaused).toBe(false);
  // In time: it is waited for again.
  pass(network, 20);
  network.send('a', fromA);
  expect(sender.isPaused).toBe(true);
});

it('nobody waits longer than 10 ms, nor again for one that has not caught up since', () => {
  using network = new world.SwitchWorld();
  const { sender, receiver } = sendToSlow(network);
  pass(network, 9);
  expect(sender.isPaused).toBe(true);
  pass(network, 1);
  expect(sender.isPaused).toBe(false);
  network.send('a', fromA);
  network.send('c', frames.udp({ from: macC, to: macB }, { ...flow, source: '192.168.77.12' }));
  expect([sender.isPaused, network.link('c').isPaused]).toEqual([false, false]);
  receiver.caughtUp();
  network.send('a', fromA);
  expect(sender.isPaused).toBe(true);
});

it('others go on meanwhile, and the NAT process waits for nobody', () => {
  using network = new world.SwitchWorld();
  sendToSlow(network);
  const toA = frames.udp(
    { from: gatewayMac, to: macA },
    { ...flow, source: '192.0.2.9', destination: '192.168.77.10' },
  );
  expect(network.whereTo('uplink', toA)).toEqual(['a']);
  network.send('uplink', frames.udp({ from: gatewayMac, to: macB }, { ...flow, source: '192.0.2.9' }));
  expect([network.link('uplink').isPaused, network.link('c').isPaused]).toEqual([false, false]);
});
