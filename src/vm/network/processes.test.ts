import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { networkNamesIn } from '../../store/names.ts';
import { identify } from '../../sys/process-identity.ts';
import { ensureSwitch } from './processes.ts';

const temporary = useTemporaryDirectory();

it('a switch that is found while it dies is not waited for', async () => {
  const directory = temporary();
  const names = networkNamesIn(directory, join(directory, 'leases.json'));
  const dying = spawn('sleep', ['60']);
  const identity = await identify(dying.pid ?? 0);
  if (!identity) throw new Error('It does not run.');
  const running = [{ name: 'switch', process: identity }];
  const program = { command: 'none', args: [] };
  const signal = new AbortController().signal;
  const opening = ensureSwitch(names, running, 'vmnet8', program, signal);
  dying.kill('SIGKILL');
  await expect(opening).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
});
