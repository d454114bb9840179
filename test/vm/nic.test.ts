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
      await demo.sh(`ip link set ${link} up; ip addr add 10.9.0.1/24 dev ${link}`);
      await sees(demo, carrier(link, 1));

      await home.json('nic', 'set', 'demo', '1', '--disconnect');
      await sees(demo, carrier(link, 0));
      await home.json('nic', 'set', 'demo', '1', '--connect');
      await sees(demo, carrier(link, 1));

      const file = join(home.path, 'demo.pcap');
      const captured = home.kame(['capture', 'demo', file, '--nic', '1', '--max-size', '1KiB']);
      // ARP requests for an address that nobody has, until the file has its largest size.
      const asking = poll(
        async () => {
          await demo.sh('ping -c 1 -W 1 10.9.0.2 >/dev/null 2>&1 || true');
          return (await Promise.race([captured, Promise.resolve()])) ? true : undefined;
        },
        { deadlineMs: 120_000 },
      );
      expect(await captured).toMatchObject({ code: 0 });
      await asking;
      const bytes = await readFile(file);
      expect(bytes.length).toBeLessThanOrEqual(1024);
      const mac = Buffer.from(added.mac.replaceAll(':', ''), 'hex');
      // To everybody, from the adapter, of type ARP.
      const head = Buffer.concat([Buffer.alloc(6, 0xff), mac, Buffer.from([0x08, 0x06])]);
      expect(bytes.includes(head)).toBe(true);

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
