import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { machineNames } from './names.ts';
import { markOpen, removeOpenMarker } from './open-marker.ts';

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
