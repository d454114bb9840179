import { readdir, readFile } from 'node:fs/promises';
import { identify, type ProcessIdentity } from './process-identity.ts';
import { run } from './process.ts';

/** Whether a command line has these consecutive arguments; as in proc(5), each argument ends with a zero byte. */
function linuxArgumentsHave(commandLine: string, words: readonly string[]): boolean {
  return `\0${commandLine}`.includes(`\0${words.join('\0')}\0`);
}

async function linuxPids(words: readonly string[]): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      // A process that cannot be read has ended or belongs to another user, so it is not ours.
      const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return linuxArgumentsHave(commandLine, words);
    }),
  );
  return pids.filter((_, index) => found[index]).map(Number);
}

async function psPids(words: readonly string[]): Promise<number[]> {
  const { stdout } = await run('ps', ['-axww', '-o', 'pid=,args='], { env: { LC_ALL: 'C' } });
  return stdout
    .split('\n')
    .filter((line) => `${line} `.includes(` ${words.join(' ')} `))
    .map((line) => Number.parseInt(line, 10));
}

/**
 * The living processes that have these words as consecutive arguments. Finds processes that an earlier daemon started
 * but could not record before it died.
 */
export async function findProcesses(words: readonly string[]): Promise<ProcessIdentity[]> {
  const pids = process.platform === 'linux' ? await linuxPids(words) : await psPids(words);
  const identities = await Promise.all(pids.map(identify));
  return identities.filter((one) => one !== undefined && one.pid !== process.pid) as ProcessIdentity[];
}
