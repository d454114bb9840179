import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fixture, fixtureBytes } from '../../test/support/vmx-text.ts';
import { edit, entriesOf, getText, printVmx } from './document.ts';
import { getInteger } from './values.ts';

const folder = join(import.meta.dirname, 'fixtures');
const files = readdirSync(folder).filter((name) => /\.vm(?:x|sd)$/.test(name));

describe('files in the shape that VMware’s products and Packer write', () => {
  it('are there', () => {
    expect(files.length).toBeGreaterThanOrEqual(6);
  });

  it.each(files)('%s prints as it was read', (name) => {
    expect(printVmx(fixture(name))).toEqual(fixtureBytes(name));
  });

  it.each(files)('%s keeps every line but the edited one', (name) => {
    const doc = fixture(name);
    const before = Buffer.from(fixtureBytes(name)).toString('latin1').split('\n');
    const first = entriesOf(doc).find(({ key }) => key !== '.encoding');
    const after = Buffer.from(printVmx(edit(doc, new Map([[first?.key ?? '', 'edited']]))))
      .toString('latin1')
      .split('\n');
    expect(after.filter((line, index) => line !== before[index])).toEqual([
      expect.stringContaining('"edited"'),
    ]);
    expect(after).toHaveLength(before.length);
  });

  it('reads a .vmsd, times with a sign included', () => {
    const doc = fixture('esxi8.vmsd');
    expect(getText(doc, 'snapshot0.displayName')).toBe('before "upgrade"');
    expect(getInteger(doc, 'snapshot0.createTimeLow', 0)).toBe(-1_991_180_826);
    expect(getInteger(doc, 'snapshot.numSnapshots', 0)).toBe(2);
  });

  it('reports what is wrong in a file made by hand', () => {
    const doc = fixture('workstation5-bom-mixed.vmx');
    expect(doc.bom).toBe(true);
    expect(doc.problems.map((problem) => problem.message)).toEqual([
      'Line 19: Syntax error.',
      'Line 20: Variable "memSize" is already defined. Using line 7.',
    ]);
  });
});
