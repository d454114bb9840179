import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { lease } from '../../test/support/dhcp-client.ts';
import * as world from '../../test/support/switch-world.ts';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { LeaseFile } from './lease-file.ts';

const makeDirectory = useTemporaryDirectory();

describe('the leases of a network', () => {
  it('are known to the next switch, as they were', async () => {
    const path = join(makeDirectory(), 'leases.json');
    using first = new world.SwitchWorld(world.natConfig(), new LeaseFile(path));
    lease(first, 'a', world.macA);
    const address = lease(first, 'c', world.macC);
    const { leases } = first.switch.status();
    expect(leases).toHaveLength(2);
    await vi.waitFor(() => expect(new LeaseFile(path).read()).toEqual(leases));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    using second = new world.SwitchWorld(world.natConfig(), new LeaseFile(path));
    expect(second.switch.status().leases).toEqual(leases);
    expect(lease(second, 'c', world.macC)).toBe(address);
  });

  it('end in time, also while no switch runs', async () => {
    const path = join(makeDirectory(), 'leases.json');
    using first = new world.SwitchWorld(world.natConfig(), new LeaseFile(path));
    lease(first, 'c', world.macC);
    await vi.waitFor(() => expect(new LeaseFile(path).read()).toHaveLength(1));
    const file = new LeaseFile(path);
    using second = new world.SwitchWorld(world.natConfig(), file, first.wallClock + 3_600_000);
    expect(second.switch.status().leases).toEqual([]);
  });

  it.each([
    ['no JSON', 'nonsense'],
    ['no list', '{}'],
    ['a lease without a MAC', '[{"address":"192.168.77.130"}]'],
    ['an address that is none', JSON.stringify([{ mac: '00:0c:29:00:00:01', address: 'here' }])],
    ['more than the leases of all guests', ' '.repeat(1024 * 1024 + 1)],
  ])('are none where the file has %s', (_what, text) => {
    const path = join(makeDirectory(), 'leases.json');
    writeFileSync(path, text);
    expect(new LeaseFile(path).read()).toEqual([]);
  });

  it('are not lost while the switch runs if they cannot be written', async () => {
    const path = join(makeDirectory(), 'leases.json');
    // Nothing is renamed over a directory.
    mkdirSync(path);
    using network = new world.SwitchWorld(world.natConfig(), new LeaseFile(path));
    lease(network, 'c', world.macC);
    await vi.waitFor(() => expect(readFileSync(`${path}.new`, 'utf8')).toContain(world.macC));
    expect(network.switch.status().leases).toHaveLength(1);
  });
});
