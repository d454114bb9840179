import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { poll } from '../../core/deadline.ts';
import { readCompanionRecords, writeCompanionRecord } from '../../store/companion-record.ts';
import { isAlive } from '../../sys/process-identity.ts';
import { findProcesses } from '../../sys/process-search.ts';
import { spawnDetached } from '../../sys/process.ts';
import { clearRunDirectory } from './clear.ts';
import {
  adoptCompanions,
  endCompanions,
  startCompanion,
  type Companion,
  type CompanionProgram,
} from './companion.ts';

const temporary = useTemporaryDirectory();
let directory = '';

beforeEach(() => (directory = temporary()));
afterEach(async () => await endCompanions(directory));

/** A small server, as NAT or a TPM is one. */
const server = "require('net').createServer(() => {}).listen(process.argv[1])";
const deafServer = `process.on('SIGTERM', () => {});${server}`;

function program(source = server): CompanionProgram {
  const socket = join(directory, 'tpm');
  return {
    name: 'tpm',
    command: process.execPath,
    args: ['-e', source, socket],
    mark: [socket],
    socket,
    logFile: join(directory, 'tpm.log'),
  };
}

async function start(source?: string): Promise<Companion> {
  const { connection, ...companion } = await startCompanion(directory, program(source), {
    deadlineMs: 10_000,
  });
  connection.destroy();
  return companion;
}

describe('a companion', () => {
  it('is running when its start returns; its record identifies it', async () => {
    const companion = await start();
    expect(await isAlive(companion.process)).toBe(true);
    expect(await readCompanionRecords(directory)).toEqual([
      { name: 'tpm', mark: [join(directory, 'tpm')], process: companion.process },
    ]);
  });

  it('is found again by another daemon, which ends it with its directory', async () => {
    const companion = await start();
    expect(await adoptCompanions(directory)).toEqual([companion]);
    await clearRunDirectory({ directory, record: join(directory, 'machine.json') });
    expect([await isAlive(companion.process), existsSync(directory)]).toEqual([false, false]);
  });

  it('whose daemon died before it recorded the process is found by its mark', async () => {
    const { name, command, args, mark, logFile } = program();
    await writeCompanionRecord(directory, { name, mark, process: null });
    const child = await spawnDetached(command, args, { logFile });
    const adopted = await adoptCompanions(directory);
    expect(adopted).toMatchObject([{ name: 'tpm', process: { pid: child.pid } }]);
    expect(await readCompanionRecords(directory)).toMatchObject([{ process: { pid: child.pid } }]);
  });

  it('that has died is forgotten', async () => {
    const { process: engine } = await start();
    process.kill(engine.pid, 'SIGKILL');
    await poll(async () => ((await isAlive(engine)) ? undefined : true), { deadlineMs: 5000 });
    expect([await adoptCompanions(directory), await readCompanionRecords(directory)]).toEqual([[], []]);
  });

  it('that ignores SIGTERM is killed', async () => {
    const companion = await start(deafServer);
    await endCompanions(directory, 20);
    expect([await isAlive(companion.process), await readCompanionRecords(directory)]).toEqual([false, []]);
  });

  it('that ends at once causes an error that names its log, and leaves no record', async () => {
    await expect(start('process.exit(3)')).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: 'tpm exited before its socket answered (exit code 3).',
      next: expect.stringContaining('tpm.log') as string,
    });
    expect(await readCompanionRecords(directory)).toEqual([]);
  });

  it('whose start is cancelled does not keep running', async () => {
    const quiet = 'setInterval(() => {}, 1000)';
    const signal = AbortSignal.abort();
    const starting = startCompanion(directory, program(quiet), { deadlineMs: 10_000, signal });
    await expect(starting).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await findProcesses([join(directory, 'tpm')])).toEqual([]);
  });

  it('is never confused with another process: an old or foreign record ends nothing', async () => {
    const old = { pid: process.pid, birth: 'of an earlier process' };
    await writeCompanionRecord(directory, { name: 'old', mark: ['no such argument'], process: old });
    for (const text of [
      '',
      '{}',
      '{"mark":[],"process":null}',
      '{"mark":["a"],"process":{"pid":1,"birth":"x"}}',
    ]) {
      await writeFile(join(directory, 'odd.companion.json'), text);
      expect(await readCompanionRecords(directory)).toMatchObject([{ name: 'old' }]);
    }
    await endCompanions(directory);
    expect(await readCompanionRecords(directory)).toEqual([]);
  });
});
