/** What the kernel of Linux says of a process in `/proc/PID/stat` (proc(5)). */
export interface ProcessStat {
  /** Clock ticks from the boot of the host until it started. */
  readonly startTicks: string;
  /**
   * Whether nothing of it is left but its exit code. Its first thread may end before the others, as when it is killed: it is shown as a
   * zombie then, while its files and sockets are open and its locks are held.
   */
  readonly hasEnded: boolean;
}

const [stateAt, threadsAt, startAt] = [0, 17, 19];

/** Reads the text of `/proc/PID/stat`. */
export function readProcessStat(text: string): ProcessStat {
  // The name of the command is in parentheses and may itself contain spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '', threads] = [fields[stateAt], fields[threadsAt]];
  const isZombie = state === 'Z' && threads === '1';
  return { startTicks: fields[startAt] ?? '', hasEnded: isZombie || state === 'X' };
}
