import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { descriptor, disk, useAppliances } from '../../../test/support/appliances.ts';
import type { OvfOptions } from '../../../test/support/ova.ts';
import { show } from '../running/describe.ts';

const { world, imported, copyOf } = useAppliances();

const system =
  '<ProductSection><Info>P</Info><Property ovf:key="host" ovf:value="a&amp;b" ovf:type="string"/><Property ovf:key="dns" ovf:type="string"/></ProductSection>';

async function notesOf(options: OvfOptions): Promise<string> {
  const { report } = await imported([descriptor({ system, ...options }), disk]);
  return report.notes.join('\n');
}

describe('the properties of an appliance', () => {
  it('are on a CD in the empty drive, as cloud-init and others look for them', async () => {
    const notes = await notesOf({ transport: 'ovf:transport="com.vmware.guestInfo iso org.example.radio"' });
    expect(notes).toMatch(/CD with the label "OVF ENV", in ide1:0/);
    expect(notes).toMatch(/asks for the transport org\.example\.radio, which Kame does not have/);
    expect(notes).toMatch(/kame-tools guestinfo get ovfEnv prints them/);
    expect(notes).toMatch(/Properties without a value: dns/);
    const machine = copyOf('web');
    expect(machine.read('web.vmx')).toContain('ide1:0.fileName = "ovf-env.iso"');
    expect(machine.read('web.vmx')).toContain('guestinfo.ovfEnv = "');
    const text = readFileSync(machine.file('ovf-env.iso'), 'latin1');
    // The label in the primary volume descriptor: ECMA-119, 8.4.
    expect(text.slice(16 * 2048 + 40, 16 * 2048 + 72).trim()).toBe('OVF ENV');
    expect(text).toContain('xmlns="http://schemas.dmtf.org/ovf/environment/1"');
    expect(text).toContain('oe:key="host" oe:value="a&amp;b"');
    await world().start('web');
    expect((await show(world().host, 'web')).state).toBe('running');
  });

  it('are on a CD in a new drive if there is no empty one', async () => {
    // The drive of the descriptor becomes a floppy drive.
    const { report } = await imported([
      {
        ...descriptor(),
        content: Buffer.from(
          descriptor({ system, transport: 'ovf:transport="iso"' })
            .content.toString()
            .replace('<rasd:ResourceType>15<', '<rasd:ResourceType>14<'),
        ),
      },
      disk,
    ]);
    expect(report.notes.join(' ')).toMatch(/in sata0:0/);
    expect(copyOf('web').read('web.vmx')).toContain('sata0:0.deviceType = "cdrom-image"');
  });

  it('are only in their key if the appliance asks for no CD', async () => {
    expect(await notesOf({})).toMatch(/does not ask for a CD/);
    expect(copyOf('web').files()).toEqual(['disk0.qcow2', 'web.vmx']);
  });
});
