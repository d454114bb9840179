import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { describe, expect } from 'vitest';
import { identify } from '../../src/sys/process-identity.ts';
import { engineTest as it, expectStopped } from '../support/engine-test.ts';
import { refusal } from '../support/refusal.ts';

describe('a lock that a dead process left', () => {
  it('never blocks', async ({ home, demo }) => {
    const child = spawn('true');
    await once(child, 'exit');
    const living = await identify(process.pid);
    const stale = [
      JSON.stringify({ pid: child.pid, birth: living?.birth, purpose: 'qemu' }),
      // The pid is in use again, by a process that was born at another time.
      JSON.stringify({ pid: process.pid, birth: '1@0', purpose: 'kamed' }),
      '{"pid": 1',
      '',
    ];
    for (const text of stale) {
      await writeFile(demo.file('lock'), text);
      expect(await demo.state()).toBe('stopped');
      await home.json('set', 'demo', 'notes=free');
      await writeFile(demo.file('lock'), text);
      await demo.start('--wait', 'none');
      await demo.stop();
      await expectStopped(demo);
    }
  });
});

describe('a lock of a living process', () => {
  it('blocks', async ({ home, demo }) => {
    const holder = { ...(await identify(process.pid)), purpose: 'a test' };
    await writeFile(demo.file('lock'), JSON.stringify(holder));
    const inUse = `demo is in use by a test (process ${process.pid})`;
    expect(await home.kame(['start', 'demo'])).toEqual(refusal(4, inUse));
  });
});
