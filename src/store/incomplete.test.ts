import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeIncomplete } from './incomplete.ts';

let place = '';
const at = (...names: string[]) => join(place, ...names);

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'kame-incomplete-'));
  mkdirSync(at('.kame.0000abcd.placing'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

it('removes what is incomplete, with the files that already had their places, and nothing else', async () => {
  const temporary = at('.kame.0000abcd.placing');
  for (const name of ['placed', 'other', 'waiting', 'linked']) writeFileSync(join(temporary, name), 'new');
  linkSync(join(temporary, 'placed'), at('placed'));
  // Not ours: another file of that name, a link to ours, and a file of another name.
  writeFileSync(at('other'), 'mine');
  symlinkSync(join(temporary, 'linked'), at('linked'));
  writeFileSync(at('unrelated'), 'mine');
  await removeIncomplete(temporary);
  expect(readdirSync(place).sort()).toEqual(['linked', 'other', 'unrelated']);
  await removeIncomplete(temporary);
  expect(readdirSync(place)).toHaveLength(3);
});

it('leaves the files of a directory whose files all had their places', async () => {
  const temporary = at('.kame.0000abcd.placing');
  mkdirSync(at('.kame.0000abcd.placed'));
  writeFileSync(at('.kame.0000abcd.placed', 'web.ovf'), 'new');
  rmSync(temporary, { recursive: true });
  linkSync(at('.kame.0000abcd.placed', 'web.ovf'), at('web.ovf'));
  writeFileSync(at('web-disk1.vmdk'), 'new');
  await removeIncomplete(temporary);
  expect(readdirSync(place).sort()).toEqual(['web-disk1.vmdk', 'web.ovf']);
});

it.each([0, 1, 2, 3])('moves the others to their places when %i of three were moved', async (count) => {
  const temporary = at('.kame.0000abcd.placing');
  rmSync(temporary, { recursive: true });
  mkdirSync(at('.kame.0000abcd.moving'));
  const names = ['web-disk1.vmdk', 'web.mf', 'web.ovf'];
  for (const [index, name] of names.entries())
    writeFileSync(index < count ? at(name) : at('.kame.0000abcd.moving', name), 'new');
  await removeIncomplete(temporary);
  expect(readdirSync(place).sort()).toEqual(names);
});

it('moves nothing onto a file that came in the meantime', async () => {
  const temporary = at('.kame.0000abcd.placing');
  rmSync(temporary, { recursive: true });
  mkdirSync(at('.kame.0000abcd.moving'));
  for (const name of ['web-disk1.vmdk', 'web.ovf']) writeFileSync(at('.kame.0000abcd.moving', name), 'new');
  writeFileSync(at('web.ovf'), 'mine');
  await removeIncomplete(temporary);
  expect([readdirSync(place), readFileSync(at('web.ovf'), 'utf8')]).toEqual([['web.ovf'], 'mine']);
});

it('moves nothing out of a directory to which somebody has put a link', async () => {
  mkdirSync(at('private'));
  writeFileSync(at('private', 'key'), 'mine');
  symlinkSync(at('private'), at('.kame.0000abcd.moving'));
  await removeIncomplete(at('.kame.0000abcd.placing'));
  expect([readdirSync(place), readdirSync(at('private'))]).toEqual([['private'], ['key']]);
});

it('never removes a file of the source of a clone that was not complete', async () => {
  const temporary = at('.clone.0000abcd.creating');
  mkdirSync(temporary);
  writeFileSync(at('disk0.qcow2'), 'the disk of the source');
  linkSync(at('disk0.qcow2'), join(temporary, 'disk0.qcow2'));
  await removeIncomplete(temporary);
  expect(readdirSync(place).sort()).toEqual(['.kame.0000abcd.placing', 'disk0.qcow2']);
});
