import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { beforeAll, describe, expect } from 'vitest';
import { cannotBuild, makeDesktopGuest } from '../../bench/desktop/make.ts';
import { desktopArch, stoppedDesktop } from '../support/desktop-guest.ts';
import { DesktopMachine } from '../support/desktop-machine.ts';
import type { Guest } from '../support/guest.ts';
import { homeTest } from '../support/home-test.ts';
import type { TestHome } from '../support/home.ts';
import { softwareRenderer } from '../support/software-renderer.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { layOut, stoppedMachine } from '../support/template.ts';

const makeDirectory = useTemporaryDirectory();
/** What a host without a GPU lacks for 3D is a renderer: one in software is enough. */
const it = homeTest.extend<{ home: TestHome; demo: Guest }>({
  home: async ({ makeHome, skip }, use) => {
    const engine = await softwareRenderer(join(makeDirectory(), 'engine'));
    if (engine === undefined) skip('QEMU has no 3D here, or no C compiler is installed.');
    else await use(await makeHome({ env: { KAME_QEMU_AARCH64: engine } }));
  },
  demo: async ({ home, makeHome }, use) => await use(await layOut(stoppedMachine, home, makeHome)),
});

/** The colour of the pixel in the middle of a PNG of ours, whose rows are not filtered. */
function middleOf(png: Buffer): number[] {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const row = 1 + width * 3;
  const at = Math.floor(height / 2) * row + 1 + Math.floor(width / 2) * 3;
  return [...inflateSync(Buffer.concat(data)).subarray(at, at + 3)];
}

describe('a guest with 3D', () => {
  it('has the renderer that was proved, is seen by VNC, and is refused what 3D does not permit', async ({
    home,
    demo,
  }) => {
    await home.json('set', 'demo', 'mks.enable3D=TRUE');
    await demo.start();
    expect((await demo.details()).graphicsNote).toMatch(
      /^The display has 3D acceleration: OpenGL .*llvmpipe/i,
    );
    const kernel = async () => await demo.sh('dmesg | grep -E "drm. features|fb0" || true');
    // Its driver is loaded while the agent answers already.
    await expect.poll(kernel, { timeout: 60_000 }).toMatch(/[+]virgl[^]*fb0/);

    await demo.sh('tr "\\0" "\\252" < /dev/zero | head -c 4096000 > /dev/fb0');
    const file = join(home.path, 'screen.png');
    const seen = async () => {
      await home.kame(['screenshot', 'demo', file]);
      return middleOf(await readFile(file));
    };
    await expect.poll(seen, { timeout: 20_000 }).toEqual([0xaa, 0xaa, 0xaa]);

    for (const command of [
      ['snapshot', 'take', 'demo', 'with memory'],
      ['suspend', 'demo'],
      ['clone', 'demo', 'copy', '--instant'],
    ]) {
      const { code, stderr } = await home.kame(command);
      expect(code, command.join(' ')).not.toBe(0);
      expect(stderr).toMatch(/a display with 3D acceleration/);
      expect(stderr).toMatch(/kame set demo 3d=off/);
    }
    await demo.take('disks', '--disk-only');
    expect(await demo.sh('echo still here')).toBe('still here\n');
  });
});

/** As in desktop-session.test.ts: only the user may be in the way in CI. */
const skipDesktop = cannotBuild() !== null && (process.env['CI'] !== 'true' || process.getuid?.() !== 0);

describe.skipIf(skipDesktop)('a desktop with 3D', () => {
  beforeAll(async () => void (await makeDesktopGuest(desktopArch, new AbortController().signal)), 600_000);

  homeTest(
    'has programs that draw by the renderer of the host',
    { timeout: 480_000 },
    async ({ makeHome, skip }) => {
      const engine = await softwareRenderer(join(makeDirectory(), 'engine'), desktopArch);
      if (engine === undefined) {
        skip('QEMU has no 3D here, or no C compiler is installed.');
        return;
      }
      const home = await makeHome({ env: { [`KAME_QEMU_${desktopArch.toUpperCase()}`]: engine } });
      const demo = await layOut(stoppedDesktop(), home, makeHome);
      await home.json('set', 'demo', 'mks.enable3D=TRUE');
      await demo.start();
      await new DesktopMachine(demo).use('x11');
      const told = await demo.sh('. /tmp/session; glxinfo -B');
      expect(told).toMatch(/direct rendering: Yes/);
      expect(told).toMatch(/OpenGL renderer string: virgl \(.*llvmpipe/i);
    },
  );
});
