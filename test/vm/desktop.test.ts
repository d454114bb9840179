import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { poll } from '../../src/core/deadline.ts';
import { guestTest } from '../support/guest-test.ts';
import { packed, words, vd } from '../support/fake-vdagent.ts';

const it = guestTest();

/** The bytes as an argument of printf. */
function octal(bytes: Buffer): string {
  return [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

describe('the display of a guest', () => {
  it('has the resolution that is asked for, if its driver has room for that', async ({ home, demo }) => {
    const set = async (...more: string[]) => await home.kame(['resolution', demo.name, ...more]);
    expect(await set('1024x768')).toMatchObject({ code: 0, stdout: '1024x768\n' });
    expect((await set()).stdout).toBe('1024x768\n');
    const file = join(home.path, 'screen.png');
    await home.kame(['screenshot', demo.name, file]);
    const png = await readFile(file);
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1024, 768]);
    // The console of the kernel cannot become larger than it was at first: 1280x800.
    const larger = await set('1600x900', '--timeout', '2');
    expect(larger.code).toBe(1);
    expect(larger.stderr).toMatch(/has \d+x\d+, not 1600x900/);
  });
});

describe('the clipboard of a guest', () => {
  it('goes through the port of the desktop agent', async ({ home, demo }) => {
    const none = await home.kame(['clipboard', 'get', demo.name]);
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('No desktop agent runs') });
    // A shell plays the agent: it waits for the greeting, announces that it can do without serials, and copies a text.
    const capabilities = packed(vd.caps, words(0, (1 << 5) | (1 << 6)));
    const selection = Buffer.from([0, 0, 0, 0]);
    const grab = packed(vd.grab, Buffer.concat([selection, words(1)]));
    const content = packed(vd.clipboard, Buffer.concat([selection, words(1), Buffer.from('from the guest')]));
    const script = [
      'port=$(basename $(dirname $(grep -l com.redhat.spice.0 /sys/class/virtio-ports/*/name)))',
      'exec 3<>/dev/$port',
      // A port that the host has not connected to yet is at its end.
      'until [ "$(dd bs=1 count=36 <&3 2>/dev/null | wc -c)" -eq 36 ]; do :; done',
      `printf '${octal(Buffer.concat([capabilities, grab]))}' >&3`,
      'dd bs=1 count=36 of=/dev/null <&3 2>/dev/null',
      `printf '${octal(content)}' >&3`,
      // Until the end of the connection of exec.
      'cat <&3',
    ];
    const stop = new AbortController();
    const agent = home
      .client()
      .machines.exec(
        demo.name,
        { command: ['sh', '-c', script.join('\n')] },
        { output: async () => await Promise.resolve(), signal: stop.signal },
      );
    const shown = async () => {
      const { code, stdout } = await home.kame(['clipboard', 'show', demo.name]);
      return code === 0 && stdout.includes('text/plain') ? stdout : undefined;
    };
    expect(await poll(shown, { deadlineMs: 30_000 })).toBe('demo: copied in the guest: text/plain\n');
    expect(await home.kame(['clipboard', 'get', demo.name])).toEqual({
      code: 0,
      stdout: 'from the guest',
      stderr: '',
    });
    stop.abort();
    await expect(agent).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
