import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { until } from '../../../test/support/world.ts';
import { stagesIn, watchConsoleStages, type ConsoleStage } from './console-stages.ts';

describe('the stages that a console shows', () => {
  it.each<[string, ConsoleStage[]]>([
    ['UEFI firmware (version 2022.11-6 built at 00:00:00)\r\n', ['boot', 'firmware']],
    ['BdsDxe: starting Boot0002', ['firmware']],
    ['EFI stub: Booting Linux Kernel...\n', ['boot', 'kernel']],
    ['[    0.000000] Linux version 6.12.1 (gcc)\n', ['boot', 'kernel']],
    ['\nDebian GNU/Linux 13 demo ttyAMA0\n\ndemo login: ', ['boot', 'login']],
    ['Last login: Mon Nov  2 on ttyAMA0\n', ['boot']],
    ['Fill in the login: field', []],
    ['no line yet', []],
  ])('%j', (text, stages) => {
    expect(stagesIn(`\r${text}`)).toEqual(stages);
  });
});

const directory = useTemporaryDirectory();

describe('watching a console', () => {
  it('tells each stage once, also of words in two parts and after the log was emptied', async () => {
    const path = join(directory(), 'serial.log');
    writeFileSync(path, '');
    const stages: ConsoleStage[] = [];
    const { signal } = new AbortController();
    const watching = watchConsoleStages(path, { signal, onStage: (stage) => void stages.push(stage) });
    appendFileSync(path, 'BdsDxe: starting\nBdsDxe: again\nLinux ver');
    await until(() => stages.includes('firmware'));
    appendFileSync(path, 'sion 6.1\n');
    await until(() => stages.includes('kernel'));
    truncateSync(path);
    appendFileSync(path, 'demo login: ');
    await watching;
    expect(stages).toEqual(['boot', 'firmware', 'kernel', 'login']);
  });

  it('takes no part of a line for its beginning', async () => {
    const path = join(directory(), 'serial.log');
    // What is looked at again, the last 200 characters, begins with "the login: ".
    writeFileSync(path, `BdsDxe: Fill in the login: ${'y'.repeat(189)}`);
    const stages: ConsoleStage[] = [];
    const { signal } = new AbortController();
    const watching = watchConsoleStages(path, { signal, onStage: (stage) => void stages.push(stage) });
    await until(() => stages.includes('firmware'));
    appendFileSync(path, '\nLinux version 6.1\n');
    await until(() => stages.includes('kernel'));
    expect(stages).not.toContain('login');
    appendFileSync(path, 'demo login: ');
    await watching;
  });

  it('ends with the signal', async () => {
    const path = join(directory(), 'serial.log');
    writeFileSync(path, 'nothing');
    const stop = new AbortController();
    const watching = watchConsoleStages(path, { signal: stop.signal, onStage: () => undefined });
    stop.abort();
    await expect(watching).resolves.toBeUndefined();
  });
});
