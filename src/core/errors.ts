/** How an error leaves the program: the exit code of a command and the HTTP status of the API. */
export interface ErrorKind {
  /** 1 failed, 2 wrong usage, 3 no such machine, 4 wrong state, 5 engine or host problem. */
  readonly exit: 1 | 2 | 3 | 4 | 5;
  readonly http: number;
  /** One sentence for docs/errors.md: when this happens. */
  readonly when: string;
  /** One sentence for docs/errors.md: what to do. */
  readonly next: string;
}

/** The closed list of everything that can go wrong. docs/errors.md is generated from it. */
export const errorKinds = {
  USAGE: {
    exit: 2,
    http: 400,
    when: 'A command line or a request is not of the form that is asked for.',
    next: 'Read the message; `kame VERB --help` shows the form and an example.',
  },
  INVALID_NAME: {
    exit: 2,
    http: 400,
    when: 'A machine or image name holds characters that no name may hold, or is too long.',
    next: 'Use 1 to 80 letters, digits, spaces, dots, dashes and underscores, starting with a letter or digit.',
  },
  INVALID_VALUE: {
    exit: 2,
    http: 400,
    when: 'A setting has a value outside of what is allowed.',
    next: 'The message names the key, the value and what is allowed.',
  },
  NO_SUCH_MACHINE: {
    exit: 3,
    http: 404,
    when: 'No machine of that name or id is in the inventory.',
    next: '`kame list` shows the machines; `kame register PATH` adds one.',
  },
  NO_SUCH_IMAGE: {
    exit: 1,
    http: 404,
    when: 'No image of that id is in the catalogue or the cache, or the path does not exist.',
    next: '`kame image list` shows the images.',
  },
  ALREADY_EXISTS: {
    exit: 1,
    http: 409,
    when: 'Something of that name or at that path is there already.',
    next: 'Choose another name, or delete what is there.',
  },
  WRONG_STATE: {
    exit: 4,
    http: 409,
    when: 'The machine is in a state in which the verb makes no sense, such as starting a running machine.',
    next: '`kame show NAME` tells the state.',
  },
  NO_SUCH_SNAPSHOT: {
    exit: 3,
    http: 404,
    when: 'The machine has no snapshot of that label, path or number, or several have that label.',
    next: '`kame snapshot list NAME` shows the snapshots; #UID or a path such as /a/b names one exactly.',
  },
  HAS_CLONES: {
    exit: 4,
    http: 409,
    when: 'A machine or snapshot can’t be deleted or moved: linked clones build on its disks.',
    next: 'Delete the clones that the message names, or make full clones of them first.',
  },
  CHECKPOINT_BLOCKED: {
    exit: 4,
    http: 409,
    when: 'A device of the running machine can’t be saved, so its memory can’t be part of a snapshot, a suspend or an instant clone.',
    next: 'The message names the device and what to do; a snapshot with --disk-only, or of the stopped machine, is always possible.',
  },
  CHECKPOINT_MISMATCH: {
    exit: 5,
    http: 409,
    when: 'A saved memory state was made with another engine version, machine type, CPU, accelerator or memory size, or its files are damaged.',
    next: 'Use the engine that the message names, or drop the state: `kame start NAME --discard-state` starts from the disks.',
  },
  BUSY: {
    exit: 4,
    http: 409,
    when: 'Another operation or another program holds the machine.',
    next: 'Wait for it, or stop the program the message names.',
  },
  BROKEN_MACHINE: {
    exit: 4,
    http: 409,
    when: 'The machine’s files can’t be read, or contradict each other.',
    next: 'The message names the file and the reason; `kame show NAME` lists all of them.',
  },
  BAD_IMAGE: {
    exit: 1,
    http: 422,
    when: 'A disk image is empty, truncated, of an unknown format, or refers to files outside of itself.',
    next: 'The message names the file and the reason. Get a whole copy of it from where it comes from or from a backup; what of a machine does not build on it stays usable: `kame snapshot list` and `revert`.',
  },
  CHECKSUM_MISMATCH: {
    exit: 1,
    http: 422,
    when: 'A downloaded file does not have the checksum or signature it must have. It was discarded.',
    next: 'Try again; if it stays, the source or something on the way changes the file: do not use it.',
  },
  DOWNLOAD_FAILED: {
    exit: 1,
    http: 502,
    when: 'A download did not complete.',
    next: 'Check the network and run the command again: it resumes where it stopped.',
  },
  DISK_FULL: {
    exit: 1,
    http: 507,
    when: 'The host’s disk has no room for what was asked.',
    next: 'Free the number of bytes the message names and run the command again. Nothing half-made stays.',
  },
  FILE_ACCESS: {
    exit: 1,
    http: 500,
    when: 'A file can’t be read or written.',
    next: 'The message names the file and the reason, mostly its permissions.',
  },
  ENGINE_MISSING: {
    exit: 5,
    http: 503,
    when: 'QEMU, its firmware or one of its tools is not installed.',
    next: 'Debian and Ubuntu: `apt install qemu-system-arm qemu-system-x86 qemu-utils qemu-efi-aarch64 ovmf`; macOS: `brew install qemu`.',
  },
  ENGINE_TOO_OLD: {
    exit: 5,
    http: 503,
    when: 'QEMU is older than 7.2, or was built without something that is needed.',
    next: 'Install QEMU 7.2 or newer.',
  },
  ENGINE_FAILED: {
    exit: 5,
    http: 500,
    when: 'QEMU ended or refused a command when it should not.',
    next: 'The message holds its last words; `kame logs NAME` has all of them.',
  },
  ENGINE_TIMEOUT: {
    exit: 5,
    http: 504,
    when: 'QEMU did not answer in time.',
    next: '`kame stop NAME --hard` ends it; `kame logs NAME` may say why.',
  },
  HOST_PROBLEM: {
    exit: 5,
    http: 500,
    when: 'The host denies something that Kame needs.',
    next: 'The message says what; `kame doctor` checks all of it.',
  },
  DAEMON_UNREACHABLE: {
    exit: 5,
    http: 503,
    when: 'The daemon could not be started or does not answer.',
    next: '`kame daemon status` and the log kamed.log in the home directory say why.',
  },
  GUEST_TIMEOUT: {
    exit: 1,
    http: 504,
    when: 'The guest did not do what was waited for in time.',
    next: 'Raise --timeout; `kame console NAME` and `kame screenshot` show what the guest does.',
  },
  GUEST_AGENT_MISSING: {
    exit: 1,
    http: 409,
    when: 'The guest agent does not answer, or is too old for what was asked.',
    next: 'Install and start qemu-guest-agent in the guest, or wait until it has booted.',
  },
  GUEST_FAILED: {
    exit: 1,
    http: 502,
    when: 'The guest agent refused a command, or answered with something that makes no sense.',
    next: 'The message holds the answer.',
  },
  CANCELLED: {
    exit: 1,
    http: 499,
    when: 'The operation was cancelled. Everything is as it was before.',
    next: 'Run the command again when wanted.',
  },
  INTERNAL: {
    exit: 1,
    http: 500,
    when: 'Kame itself made a mistake.',
    next: 'Report it with the log kamed.log.',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

export interface KameErrorOptions {
  /** What to do next, for this very case; without it the kind's own sentence serves. */
  next?: string;
  /** Facts for programs: names, paths, numbers. */
  details?: Record<string, string | number | boolean>;
  cause?: unknown;
}

/** An error that a person can act on: a code from the list, what happened to which thing, and what to do next. */
export class KameError extends Error {
  readonly code: ErrorCode;
  readonly next: string;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(code: ErrorCode, message: string, options: KameErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KameError';
    this.code = code;
    this.next = options.next ?? errorKinds[code].next;
    this.details = options.details ?? {};
  }

  get kind(): ErrorKind {
    return errorKinds[this.code];
  }
}

/** The `code` of a Node system error (`ENOENT`, `ECONNREFUSED`, …), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
