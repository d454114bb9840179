import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { machineNames } from './names.ts';
import { markOpen, removeOpenMarker, tellProcess } from './open-marker.ts';

const temporary = useTemporaryDirectory();

function place() {
  const directory = temporary();
  return { directory, names: machineNames(join(directory, 'a.vmx')), marker: join(directory, 'a.vmx.lck') };
}

describe('the marker of an open machine', () => {
  it('is there until it is removed, and can be made twice', async () => {
    const { directory, names, marker } = place();
    await markOpen(names);
    await markOpen(names);
    expect(readdirSync(marker)).toEqual(['M00000.lck']);
    await removeOpenMarker(names);
    await removeOpenMarker(names);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('takes an empty one, which a kill has left', async () => {
    const { names, marker } = place();
    mkdirSync(marker);
    await markOpen(names);
    expect(readdirSync(marker)).toEqual(['M00000.lck']);
  });

  it('is removed when only its beginning was written', async () => {
    const { directory, names, marker } = place();
    for (const text of [undefined, '', 'Kame has']) {
      mkdirSync(marker);
      if (text !== undefined) writeFileSync(join(marker, 'M00000.lck'), text);
      await removeOpenMarker(names);
      expect(readdirSync(directory)).toEqual([]);
    }
  });

  it.each([
    ['a file of VMware', 'M12345.lck', 'x'],
    ['a file of the same name', 'M00000.lck', 'x'],
  ])('leaves %s', async (_what, name, text) => {
    const { names, marker } = place();
    mkdirSync(marker);
    writeFileSync(join(marker, name), text);
    await markOpen(names);
    await removeOpenMarker(names);
    expect(readdirSync(marker)).toEqual([name]);
    expect(readFileSync(join(marker, name), 'utf8')).toBe(text);
  });

  it('follows no link, and leaves a file', async () => {
    const { directory, names, marker } = place();
    const other = temporary();
    symlinkSync(other, marker);
    await markOpen(names);
    await removeOpenMarker(names);
    expect([readdirSync(other), readdirSync(directory)]).toEqual([[], ['a.vmx.lck']]);
    const file = place();
    writeFileSync(file.marker, 'mine');
    await markOpen(file.names);
    await removeOpenMarker(file.names);
    expect(readFileSync(file.marker, 'utf8')).toBe('mine');
  });
});

describe('the log of an open machine', () => {
  it('tells its process until the marker is removed', async () => {
    const { directory, names } = place();
    await tellProcess(names, 41);
    await tellProcess(names, 42);
    expect(readFileSync(join(directory, 'vmware.log'), 'utf8')).toBe('Log of Kame for a.vmx pid=42 \n');
    await removeOpenMarker(names);
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each([
    ['of VMware', '2026-11-29T22:00:00.000Z In(05) vmx Log for VMware Workstation pid=7 version=17\n'],
    ['of VMware that is long', 'x'.repeat(5000)],
    ['of another machine beside it', 'Log of Kame for b.vmx pid=7 \n'],
  ])('leaves one %s', async (_what, text) => {
    const { directory, names } = place();
    const log = join(directory, 'vmware.log');
    writeFileSync(log, text);
    await tellProcess(names, 42);
    await removeOpenMarker(names);
    expect(readFileSync(log, 'utf8')).toBe(text);
  });

  it('follows no link', async () => {
    const { directory, names } = place();
    const other = join(temporary(), 'other');
    writeFileSync(other, 'Log of Kame for a.vmx pid=7 \n');
    symlinkSync(other, join(directory, 'vmware.log'));
    await tellProcess(names, 42);
    await removeOpenMarker(names);
    expect(readFileSync(other, 'utf8')).toContain('pid=7');
    expect(readdirSync(directory)).toEqual(['vmware.log']);
  });
});
