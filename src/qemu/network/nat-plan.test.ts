import { describe, expect, it } from 'vitest';
import { natPlan, type NatInput } from './nat-plan.ts';

const input: NatInput = {
  binary: '/usr/bin/qemu-system-x86_64',
  sandbox: true,
  os: 'linux',
  subnet: '192.168.77.0/24',
  gateway: '192.168.77.2',
  nameServer: '192.168.77.3',
  ipv6Prefix: 'fd12:3456:789a:8::',
  outbound: true,
  bootDirectory: null,
  directory: '/home/me/.kame/run/net-12345678',
};

/** The network back-ends of a plan, as QEMU reads them. */
function netdevsOf(changes: Partial<NatInput> = {}): Record<string, unknown>[] {
  const { args } = natPlan({ ...input, ...changes });
  return args.flatMap((arg, at) =>
    arg === '-netdev' ? [JSON.parse(args[at + 1] ?? '') as Record<string, unknown>] : [],
  );
}

describe('the NAT of a network', () => {
  it('is a QEMU without a machine, in a sandbox, with slirp and a socket on one hub', () => {
    expect(natPlan(input)).toMatchInlineSnapshot(`
      {
        "args": [
          "-nodefaults",
          "-no-user-config",
          "-display",
          "none",
          "-machine",
          "none",
          "-sandbox",
          "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
          "-netdev",
          "{"type":"user","id":"nat","net":"192.168.77.0/24","host":"192.168.77.2","dns":"192.168.77.3","ipv6-prefix":"fd12:3456:789a:8::","ipv6-prefixlen":64,"ipv6-host":"fd12:3456:789a:8::2","ipv6-dns":"fd12:3456:789a:8::3"}",
          "-netdev",
          "{"type":"stream","id":"uplink","server":true,"addr":{"type":"unix","path":"/home/me/.kame/run/net-12345678/up"}}",
          "-netdev",
          "{"type":"hubport","id":"inside","hubid":0,"netdev":"nat"}",
          "-netdev",
          "{"type":"hubport","id":"outside","hubid":0,"netdev":"uplink"}",
          "-qmp",
          "unix:/home/me/.kame/run/net-12345678/qmp,server=on,wait=off",
        ],
        "binary": "/usr/bin/qemu-system-x86_64",
        "monitor": "/home/me/.kame/run/net-12345678/qmp",
        "uplink": "/home/me/.kame/run/net-12345678/up",
      }
    `);
  });

  it('of a host-only network lets only forwarded connections through', () => {
    expect(netdevsOf({ outbound: false })[0]).toMatchObject({ type: 'user', restrict: true });
    expect(netdevsOf()[0]).not.toHaveProperty('restrict');
  });

  it('serves the boot files of a directory', () => {
    expect(netdevsOf({ bootDirectory: '/srv/tftp, all' })[0]).toMatchObject({ tftp: '/srv/tftp, all' });
  });

  it('runs without the sandbox where QEMU has none', () => {
    expect(natPlan({ ...input, sandbox: false }).args).not.toContain('-sandbox');
  });

  it('refuses a directory in which socket paths would be too long', () => {
    const directory = `/${'d'.repeat(110)}`;
    expect(() => natPlan({ ...input, directory })).toThrow(/too long|bytes long/);
  });
});
