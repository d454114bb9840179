import { describe, expect, it } from 'vitest';
import { sampleNetwork } from '../../../test/support/networks.ts';
import { noShape } from '../../model/link-shape.ts';
import type { Plugged } from './plugged.ts';
import { switchConfigOf, type SwitchFacts } from './switch-config-of.ts';

/** An adapter of a machine whose `.vmx` is named after it. */
function plugged(name: string, index: number, last: string): Plugged {
  const network = { name: 'vmnet8' };
  const adapter = {
    index,
    mac: `00:0c:29:00:00:${last}`,
    network,
    socket: `/run/${name}/net${index}`,
    shape: noShape,
  };
  return {
    machine: { vmx: `/${name}.vmx`, id: name, name, run: `/run/${name}`, adapters: [adapter] },
    adapter,
  };
}

const addresses = {
  '00:0c:29:00:00:01': '192.168.77.130',
  '00:0c:29:00:00:02': '192.168.77.131',
  '00:0c:29:00:00:03': '192.168.77.132',
};
const facts: SwitchFacts = {
  network: sampleNetwork(),
  services: null,
  plugged: [plugged('web', 0, '01'), plugged('web', 1, '02'), plugged('web-2', 0, '03')],
  addresses,
  others: [],
  directory: '/run/net',
};
const labels = new Map([
  ['/web.vmx', 'web'],
  ['/web-2.vmx', 'web-2'],
]);

describe('the configuration of a switch', () => {
  it('gives a second adapter a name that no machine has', () => {
    expect(switchConfigOf(facts, labels).hosts.map(({ label }) => label)).toEqual(['web', 'web-3', 'web-2']);
  });

  it('has no host without an address', () => {
    expect(switchConfigOf({ ...facts, addresses: {} }, labels)).toMatchObject({
      hosts: [],
      ports: [{}, {}, {}],
    });
  });

  it('keeps an address for an adapter that is not plugged, without a name', () => {
    const mac = '00:0c:29:00:00:09';
    const { hosts } = switchConfigOf(
      { ...facts, addresses: { ...addresses, [mac]: '192.168.77.140' } },
      labels,
    );
    expect(hosts.at(-1)).toEqual({ mac, address: '192.168.77.140', label: null });
  });

  it('has an uplink only with a NAT process, and lets guests out only on a NAT network', () => {
    const uplinkOf = (type: 'nat' | 'hostonly' | 'private') =>
      switchConfigOf({ ...facts, network: sampleNetwork({ type }) }, labels).uplink;
    expect([uplinkOf('nat')?.outbound, uplinkOf('hostonly')?.outbound, uplinkOf('private')]).toEqual([
      true,
      false,
      null,
    ]);
    expect(switchConfigOf({ ...facts, network: null }, labels)).toMatchObject({ uplink: null, mtu: 9000 });
  });
});
