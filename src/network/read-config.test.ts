import { describe, expect, it } from 'vitest';
import * as world from '../../test/support/switch-world.ts';
import { readSwitchConfig } from './read-config.ts';

const config = world.natConfig();
const [port] = config.ports;
const [host] = config.hosts;
const { services, uplink } = world;
const direction = { bitsPerSecond: null, lossPerMille: 0, latencyMs: 0 };

describe('a configuration', () => {
  it('is read as it was written', () => {
    expect(readSwitchConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
    const segment = world.natConfig({ services: null, uplink: null, hosts: [], ports: [] });
    expect(readSwitchConfig(JSON.parse(JSON.stringify(segment)))).toEqual(segment);
  });

  it.each<readonly [string, object | null | string]>([
    ['the configuration', null],
    ['the configuration', []],
    ['network', { ...config, network: '' }],
    ['mtu', { ...config, mtu: 100 }],
    ['mtu', { ...config, mtu: 1500.5 }],
    ['ports', { ...config, ports: {} }],
    ['ports', { ...config, ports: [port, port] }],
    ['ports', { ...config, ports: Array(1025).fill(port) }],
    ['ports[0].socket', { ...config, ports: [{ ...port, socket: 'relative' }] }],
    ['ports[0].socket', { ...config, ports: [{ ...port, socket: `/${'a'.repeat(108)}` }] }],
    ['ports[0].socket', { ...config, ports: [{ ...port, socket: '/a\0b' }] }],
    ['ports[0].mac', { ...config, ports: [{ ...port, mac: 'ff:ff:ff:ff:ff:ff' }] }],
    ['ports[0].mac', { ...config, ports: [{ ...port, mac: '00:00:00:00:00:00' }] }],
    ['ports[0].shape.receive', { ...config, ports: [{ ...port, shape: {} }] }],
    [
      'ports[0].shape.transmit.lossPerMille',
      {
        ...config,
        ports: [{ ...port, shape: { receive: direction, transmit: { ...direction, lossPerMille: -1 } } }],
      },
    ],
    ['hosts[0].address', { ...config, hosts: [{ ...host, address: '1.2.3' }] }],
    ['hosts[0].label', { ...config, hosts: [{ ...host, label: 'a.b' }] }],
    ['services.prefixLength', { ...config, services: { ...services, prefixLength: 30 } }],
    ['services.gateway', { ...config, services: { ...services, gateway: '10.0.0.2' } }],
    ['services.pool', { ...config, services: { ...services, pool: ['192.168.77.9'] } }],
    ['services.pool', { ...config, services: { ...services, pool: ['192.168.77.9', '192.168.77.8'] } }],
    ['services.domain', { ...config, services: { ...services, domain: 'a..b' } }],
    ['services.ipv6Prefix', { ...config, services: { ...services, ipv6Prefix: 'fd12::1::2' } }],
    ['services.dhcp', { ...config, services: { ...services, dhcp: 1 } }],
    ['services.bootFile', { ...config, services: { ...services, bootFile: 'ä'.repeat(64) } }],
    ['uplink.forbidden[0]', { ...config, uplink: { ...uplink, forbidden: ['1.2.3.4'] } }],
    ['uplink', { ...config, uplink: 'none' }],
  ])('is refused for %s', (what, value) => {
    const message = `The configuration of the switch is malformed: ${what} must be `;
    expect(() => readSwitchConfig(value)).toThrow(message);
  });
});
