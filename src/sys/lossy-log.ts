import { writeSync } from 'node:fs';

/** Where a logger writes its lines. */
export interface LogSink {
  write(line: string): void;
}

/**
 * A log that never stops its program. A line that cannot be written, usually because the disk is full, is dropped; the
 * next line that can be written is preceded by the number of lost ones. (The destination of pino throws, and then waits
 * indefinitely when it is closed.)
 * @param descriptor an open file or pipe, such as 1 for standard output
 */
export function lossyLog(descriptor: number, write = writeSync): LogSink {
  let lost = 0;
  return {
    write(line) {
      const gap =
        lost === 0 ? '' : `{"level":40,"time":${Date.now()},"msg":"${lost} lines of this log were lost"}\n`;
      try {
        write(descriptor, gap + line);
        lost = 0;
      } catch {
        lost += 1;
      }
    },
  };
}
