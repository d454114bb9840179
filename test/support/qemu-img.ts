import { runProgram } from './run-program.ts';

/** What `qemu-img` prints. */
export function qemuImg(...args: string[]): string {
  return runProgram('qemu-img', args);
}
