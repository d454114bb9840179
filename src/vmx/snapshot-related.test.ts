import { describe, expect, it } from 'vitest';
import { parse, print } from '../../test/support/vmx-text.ts';
import { emptyTree } from './snapshot-model.ts';
import { readSnapshots, writeSnapshots } from './snapshots.ts';

const uuid = '564d1122-3344-5566-7788-99aabbccdd01';
const related = [{ path: '/vm/a.vmx', uuid }];
const bases = [
  { path: '/vm/a.qcow2', file: '27:458830', size: '393216', time: '1795860086774439103' },
  { path: '/vm/b.qcow2', file: '27:9', size: '512', time: '0' },
];

describe('what Kame records of linked clones in a .vmsd', () => {
  it('is read as it was written', () => {
    const written = writeSnapshots(parse(''), { ...emptyTree, related, bases });
    expect(readSnapshots(written)).toMatchObject({ tree: { related, bases }, problems: [] });
  });

  it('is removed without a trace', () => {
    const written = writeSnapshots(parse(''), { ...emptyTree, related, bases });
    expect(print(writeSnapshots(written, { ...emptyTree, bases: bases.slice(0, 1) }))).not.toMatch(
      /machine0|base1/,
    );
    expect(print(writeSnapshots(written, emptyTree))).not.toContain('kame.');
  });

  it.each([
    'kame.machine0.path = "/vm/a.vmx"',
    'kame.machine0.path = "/vm/a.vmx"\nkame.machine0.uuid = "../../etc"',
    'kame.base0.path = "/a"\nkame.base0.file = "1:2"\nkame.base0.size = "-1"\nkame.base0.time = "1"',
    'kame.base0.path = "/a"\nkame.base0.file = "1"\nkame.base0.size = "1"\nkame.base0.time = "1"',
    'kame.base0.file = "1:2"\nkame.base0.size = "1"\nkame.base0.time = "1"',
    `kame.base0.path = "/a"\nkame.base0.file = "1:2"\nkame.base0.size = "${'9'.repeat(30)}"\nkame.base0.time = "1"`,
  ])('does not count if it is incomplete or not a number: %j', (text) => {
    const { tree } = readSnapshots(parse(`${text}\n`));
    expect([tree.related, tree.bases]).toEqual([[], []]);
  });

  it('is not read without a limit', () => {
    const lines = Array.from(
      { length: 2000 },
      (_, at) => `kame.machine${at}.path="/a"\nkame.machine${at}.uuid="${uuid}"\n`,
    );
    expect(readSnapshots(parse(lines.join(''))).tree.related).toHaveLength(1000);
  });
});
