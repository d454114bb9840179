import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refused } from '../../../test/support/refused.ts';
import { linkFile } from '../../sys/link.ts';
import { publish } from './publish.ts';

let directory = '';
const at = (name: string) => join(directory, name);
const names = ['web-disk1.vmdk', 'web.mf', 'web.ovf'];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kame-publish-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** @param before what else happens when all files are complete */
async function published(link: typeof linkFile, before: () => void = () => undefined) {
  const fill = async (hidden: string) => {
    for (const name of names) writeFileSync(join(hidden, name), name);
    await Promise.resolve();
  };
  const linkAfter: typeof linkFile = async (from, to) => {
    before();
    return await link(from, to);
  };
  const place = { kind: 'ovf', path: at('web.ovf'), directory } as const;
  return await publish(place, at('.kame.0000abcd.placing'), fill, linkAfter);
}

describe.each([
  ['with hard links', linkFile],
  ['without hard links', async () => await Promise.resolve(false)],
] as const)('files on a file system %s', (_what, link) => {
  it('get their places', async () => {
    const files = await published(link);
    expect(files.map(({ path }) => path)).toEqual(names.map(at));
    expect(readdirSync(directory)).toEqual(names);
    for (const name of names) expect(readFileSync(at(name), 'utf8')).toBe(name);
  });

  it('leave a name that somebody takes meanwhile, and nothing beside it', async () => {
    const error = await refused(published(link, () => writeFileSync(at('web.ovf'), 'mine')));
    expect(error.code).toBe('ALREADY_EXISTS');
    expect([readdirSync(directory), readFileSync(at('web.ovf'), 'utf8')]).toEqual([['web.ovf'], 'mine']);
  });
});
