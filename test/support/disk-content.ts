import { execFileSync, spawnSync } from 'node:child_process';

// What is on a disk, as a guest would see it; written and read by qemu-io.

const mebibyte = 1024 * 1024;
const bytes = '64k';

/** Fills a place of a disk with a byte, as a guest's write does: at so many MiB. */
export function writeDisk(path: string, pattern: number, atMiB = 1): void {
  const write = `write -P ${pattern} ${atMiB}M ${bytes}`;
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', write, path], { stdio: 'ignore' });
}

/** Which of the numbers a disk shows, each at as many MiB. */
export function shownOn(path: string, numbers: readonly number[]): number[] {
  const reads = numbers.flatMap((number) => ['-c', `read -P ${number} ${number}M ${bytes}`]);
  const { stdout, stderr } = spawnSync('qemu-io', ['-r', '-U', '-f', 'qcow2', ...reads, path], {
    encoding: 'utf8',
  });
  const done = stdout.match(/^read \d+\/\d+ bytes/gm) ?? [];
  if (done.length !== numbers.length) throw new Error(`${path} can’t be read: ${stderr}${stdout}`);
  const wrong = [...stdout.matchAll(/verification failed at offset (\d+)/g)].map(([, at]) => Number(at));
  return numbers.filter((number) => !wrong.includes(number * mebibyte));
}

/** Whether 1 MiB into a disk it is filled with that byte. */
export function diskHas(path: string, pattern: number): boolean {
  const args = ['-r', '-U', '-f', 'qcow2', '-c', `read -P ${pattern} 1M ${bytes}`, path];
  const { stdout, stderr } = spawnSync('qemu-io', args, { encoding: 'utf8' });
  if (!/^read \d+\/\d+ bytes/m.test(stdout)) throw new Error(`${path} can’t be read: ${stderr}${stdout}`);
  return !stdout.includes('verification failed');
}
