import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { openForgotten } from './pipe-inlet.ts';

const makeDirectory = useTemporaryDirectory();

it('a process that waits for the reader of a forgotten pipe goes on when it is opened', async () => {
  const directory = makeDirectory();
  const path = join(directory, 'c0123abc');
  execFileSync('mkfifo', [path]);
  writeFileSync(join(directory, 'machine.json'), '{}');
  // It prints something before the open, which waits.
  const source = `console.log('opening'); require('fs').openSync(${JSON.stringify(path)}, 'w')`;
  const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  let reader = openForgotten(directory);
  try {
    expect(existsSync(path)).toBe(false);
    // It may have come to the open only after its name was gone: then it fails, or makes a file.
    await ended;
  } finally {
    reader[Symbol.dispose]();
  }
  reader = openForgotten(join(directory, 'not-there'));
  reader[Symbol.dispose]();
  expect(existsSync(join(directory, 'machine.json'))).toBe(true);
});
