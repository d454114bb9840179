import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useWorld } from '../../../test/support/world.ts';
import { refreshCompatFiles, writeCompatFiles } from './compat-files.ts';

const world = useWorld();

describe('files about networks', () => {
  it('are written when somebody asks, and are kept right from then on', async () => {
    const { host } = world();
    const { compat } = host.names;
    await refreshCompatFiles(host);
    expect(existsSync(compat)).toBe(false);
    expect(await writeCompatFiles(host)).toEqual({ path: compat });
    expect(readdirSync(compat).sort()).toEqual(['netmap.conf', 'vmnet1', 'vmnet8']);
    for (const name of ['dhcpd/dhcpd.conf', 'dhcp/dhcp.conf', 'dhcpd/dhcpd.leases', 'nat/nat.conf'])
      expect(readFileSync(join(compat, 'vmnet8', name), 'utf8')).toContain('# Written by Kame');
    const before = statSync(join(compat, 'netmap.conf')).ino;
    rmSync(join(compat, 'vmnet8', 'nat'), { recursive: true });
    await refreshCompatFiles(host);
    expect(existsSync(join(compat, 'vmnet8/nat/nat.conf'))).toBe(true);
    expect(statSync(join(compat, 'netmap.conf')).ino).toBe(before);
  });
});
