/**
 * Builds a Debian 13 guest with desktops, for tests of the clipboard and the display:
 * `node --import tsx bench/desktop/build.ts [--arch x86_64|aarch64]`
 *
 * Xorg with openbox, labwc (wlroots) and mutter (GNOME), of which `/etc/desktop` in the guest names the one that starts (`labwc`,
 * `mutter`, `x11`), with spice-vdagent, the guest agent, and programs for the clipboard and the display. It has no boot loader, and no
 * network until `systemctl start systemd-networkd`: it is for
 * `desktopMachine` in `test/support/desktop-guest.ts`, which boots its kernel.
 *
 * This takes some 75 s on two cores, once: the result stays in `.cache/`, under a name with the hash of this directory. It must run
 * as root on Debian or Ubuntu for x86-64, and requires `apt-get install --no-install-recommends mmdebstrap`, which `./run test`
 * installs. The packages come from KAME_DEBIAN_MIRROR, or the mirror of Debian.
 */
import { parseArgs } from 'node:util';
import { KameError } from '../../src/core/errors.ts';
import { formatDuration } from '../../src/core/units.ts';
import { cannotBuild, makeDesktopGuest } from './make.ts';

const started = performance.now();
const cancel = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => cancel.abort());

const { values } = parseArgs({ options: { arch: { type: 'string', default: 'x86_64' } } });
const { arch } = values;

try {
  if (arch !== 'x86_64' && arch !== 'aarch64')
    throw new KameError('USAGE', '--arch must be x86_64 or aarch64.');
  const reason = cannotBuild();
  if (reason !== null)
    throw new KameError('HOST_PROBLEM', `The guest cannot be built here: ${reason}.`, {
      next: 'Run it as root on Debian, after `apt-get install --no-install-recommends mmdebstrap`.',
    });
  const guest = await makeDesktopGuest(arch, cancel.signal);
  console.log(`${guest.disk} is ready after ${formatDuration(performance.now() - started)}.`);
} catch (error) {
  if (!(error instanceof KameError)) throw error;
  console.error(`${error.message}\n${error.next}`);
  process.exitCode = error.kind.exit;
}
