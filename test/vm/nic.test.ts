import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { MachineNic } from '../../src/api/nic.ts';
import { poll } from '../../src/core/deadline.ts';
import { Guest } from '../support/guest.ts';
import { homeTest } from '../support/home-test.ts';

/** Waits until a line of shell in the guest prints something else than nothing. */
async function sees(guest: Guest, line: string): Promise<string> {
  const look = async () => (await guest.sh(`${line} || true`)).trim() || undefined;
  const found = await poll(look, { deadlineMs: 60_000 });
  if (found === undefined) throw new Error(`${guest.name} did not see: ${line}`);
  return found;
}

const byMac = (mac: string) => `grep -il ${mac} /sys/class/net/*/address`;
const carrier = (link: string, is: number) =>
  `[ "$(cat /sys/class/net/${link}/carrier)" = ${is} ] && echo yes`;

/** The frames of a capture, which ends with a whole one: see https://www.tcpdump.org/manpages/pcap-savefile.5.html. */
function framesOf(capture: Buffer): Buffer[] {
  const [ethernet, magic] = [1, 0xa1b2c3d4];
  expect([capture.readUInt32LE(0), capture.readUInt32LE(20)]).toEqual([magic, ethernet]);
  const frames: Buffer[] = [];
  let end = 24;
  while (end < capture.length) {
    const start = end + 16;
    end = start + capture.readUInt32LE(end + 8);
    frames.push(capture.subarray(start, end));
  }
  expect(end).toBe(capture.length);
  return frames;
}

for (const arch of ['aarch64', 'x86_64']) {
  homeTest(
    `a guest of ${arch} sees an adapter come and go, its cable pulled and put in, and a capture has what it sends`,
    async ({ home }) => {
      await home.json('create', 'demo', '--arch', arch, '--memory', '192MiB', '--cpus', '1');
      const demo = new Guest(home, 'demo');
      await demo.start();
      const added = await home.json<MachineNic>('nic', 'add', 'demo', '--network', 'segment:ID');
      expect(added).toMatchObject({ index: 1, network: 'segment:ID', removable: true });
      const link = (await sees(demo, byMac(added.mac))).split('/')[4] ?? '';
      await demo.sh(`ip link set ${link} up`);
      await sees(demo, carrier(link, 1));

      await home.json('nic', 'set', 'demo', '1', '--disconnect');
      await sees(demo, carrier(link, 0));
      await home.json('nic', 'set', 'demo', '1', '--connect');
      await sees(demo, carrier(link, 1));

      const file = join(home.path, 'demo.pcap');
      const capturing = home.begin(['capture', 'demo', file, '--nic', '1']);
      const mac = Buffer.from(added.mac.replaceAll(':', ''), 'hex');
      // To everybody, from the adapter, of type ARP.
      const head = Buffer.concat([Buffer.alloc(6, 0xff), mac, Buffer.from([0x08, 0x06])]);
      const found = await poll(
        async () => {
          // The guest’s DHCP client, which starts by itself, takes an address away that it did not give.
          await demo.sh(
            `ip addr replace 10.9.0.1/24 dev ${link}; ping -c 1 -W 1 10.9.0.2 >/dev/null 2>&1 || true`,
          );
          return (await readFile(file).catch(() => Buffer.alloc(0))).includes(head) ? true : undefined;
        },
        { deadlineMs: 60_000 },
      );
      expect(found).toBe(true);
      capturing.kill('SIGINT');
      expect(await capturing.ended).toBe(0);
      expect(framesOf(await readFile(file)).some((frame) => frame.indexOf(head) === 0)).toBe(true);

      // A state with the adapter in its port can be restored, and then it can be removed.
      await demo.suspend();
      await demo.start();
      await demo.answers();
      await sees(demo, byMac(added.mac));
      await home.json('nic', 'remove', 'demo', '1');
      await sees(demo, `${byMac(added.mac)} >/dev/null || echo gone`);
      const left = await home.json<MachineNic[]>('nic', 'list', 'demo');
      expect(left.map(({ index }) => index)).toEqual([0]);
      expect(await readFile(demo.file('demo.vmx'), 'utf8')).not.toMatch(/ethernet1\./);
    },
  );
}
