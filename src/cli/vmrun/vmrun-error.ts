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

/** A program in the guest that ended with another exit code than 0, which becomes that of vmrun. */
export class GuestExit extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`Guest program exited with non-zero exit code: ${exitCode}`);
    this.name = 'GuestExit';
    this.exitCode = exitCode;
  }
}
