import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConnectionFile } from '../network/connection-file.ts';
import { serveControl } from '../network/control-server.ts';
import { LeaseFile } from '../network/lease-file.ts';
import { PluggedSwitch } from '../network/plugged-switch.ts';

/*
 * `network-switch.mjs SOCKET [LEASES]`: the switch of a network, controlled over that socket; the next one finds its leases in
 * that file, and the open connections of guests beside the socket. An error that nobody expected is written to stderr, which is
 * its log, and ends it; the daemon starts another one.
 */

const [path, leases] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: network-switch.mjs SOCKET [LEASES]');
  process.exit(2);
}
process.umask(0o077);
const connections = new ConnectionFile(join(dirname(path), 'connections'));
await serveControl(path, new PluggedSwitch(leases === undefined ? null : new LeaseFile(leases), connections));
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    rmSync(path, { force: true });
    process.exit(0);
  });
}
