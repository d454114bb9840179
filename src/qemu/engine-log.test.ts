import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { lastWords } from './engine-log.ts';

const directory = useTemporaryDirectory();

it('returns what the engine wrote after an offset in the log, and nothing that the daemon wrote', () => {
  const path = join(directory(), 'demo.log');
  const before = '2026-01-02T03:04:05.678Z qemu-system-aarch64: an old complaint\n';
  const after = [
    '2026-01-02T03:04:06.678Z kame: The guest is emulated.',
    '2026-01-02T03:04:07.678901Z qemu-system-aarch64: kame: not found',
    'Bad things happened',
    '',
  ].join('\n');
  writeFileSync(path, before + after);
  expect(lastWords(path, before.length)).toBe('qemu-system-aarch64: kame: not found\nBad things happened');
  expect(lastWords(path, before.length + after.length)).toBe('');
  expect(lastWords(join(directory(), 'none.log'), 0)).toBe('');
});
