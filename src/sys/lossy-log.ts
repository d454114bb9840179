import { writeSync } from 'node:fs';

/** Where a logger writes its lines. */
export interface LogSink {
  write(line: string): void;
}

/**
 * A log that never stops its program: a line that can't be written, mostly because the disk is full, is lost, and the
 * next one that can be is preceded by how many were. (pino’s own destination throws, then waits for ever when it is closed.)
 * @param descriptor an open file or pipe, such as 1
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
