/** vmrun ends with -1 when it fails, which is 255 for whoever asks. */
export const failed = 255;

/** A failure in the words of vmrun. It is printed on standard output as `Error: …`. */
export class VmrunError extends Error {
  /** What to do next, for people; it is printed on standard error. */
  readonly next: string;

  constructor(message: string, next = '') {
    super(message);
    this.name = 'VmrunError';
    this.next = next;
  }
}

/** An answer that is no error of vmrun, and yet not success: its line is printed as it is. */
export class NegativeAnswer extends Error {
  readonly exitCode: number;

  constructor(line: string, exitCode: number) {
    super(line);
    this.name = 'NegativeAnswer';
    this.exitCode = exitCode;
  }
}
