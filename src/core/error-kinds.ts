/** A kind of error: the exit code of the command, the HTTP status of the API, and its entry in docs/errors.md. */
export interface ErrorKind {
  /** 1 failed, 2 wrong usage, 3 no such machine, 4 wrong state, 5 engine or host problem. */
  readonly exit: 1 | 2 | 3 | 4 | 5;
  readonly http: number;
  /** One sentence for docs/errors.md: when this happens. */
  readonly when: string;
  /** One sentence for docs/errors.md: what to do. */
  readonly next: string;
}

/** Every error code there is. docs/errors.md is generated from this list. */
export const errorKinds = {
  USAGE: {
    exit: 2,
    http: 400,
    when: 'A command line or a request is malformed.',
    next: 'Read the message; `kame VERB --help` shows the syntax and an example.',
  },
  INVALID_NAME: {
    exit: 2,
    http: 400,
    when: 'The name of a machine, an image or a snapshot contains a character that is not allowed, is too long or could be mistaken for something else.',
    next: 'The name of a machine has 1 to 80 letters, digits, spaces, dots, dashes and underscores, 220 bytes at most, and starts with a letter or digit.',
  },
  INVALID_VALUE: {
    exit: 2,
    http: 400,
    when: 'A setting has a value that is not allowed.',
    next: 'Give a value that the message allows. `kame set NAME KEY=VALUE` changes one in a machine, also a key of its .vmx.',
  },
  NO_SUCH_MACHINE: {
    exit: 3,
    http: 404,
    when: 'The inventory has no machine with that name or id.',
    next: '`kame list` shows the machines; `kame register PATH` adds one.',
  },
  NO_SUCH_IMAGE: {
    exit: 1,
    http: 404,
    when: 'Neither the catalogue nor the cache has an image with that id, or the path does not exist.',
    next: '`kame image list` shows the images.',
  },
  ALREADY_EXISTS: {
    exit: 1,
    http: 409,
    when: 'The name or path is already in use.',
    next: 'Choose another name, or delete what uses it.',
  },
  WRONG_STATE: {
    exit: 4,
    http: 409,
    when: 'The operation is not possible in the current state of the machine: a running machine cannot be started, for example.',
    next: 'Check the state with `kame show NAME`.',
  },
  NO_SUCH_SNAPSHOT: {
    exit: 3,
    http: 404,
    when: 'The machine has no snapshot with that label, path or UID, or more than one has that label.',
    next: '`kame snapshot list NAME` lists the snapshots; #UID or a path such as /a/b identifies exactly one.',
  },
  MOVED_OR_COPIED: {
    exit: 4,
    http: 409,
    when: 'Two machines have the same UUID, because one was copied outside of Kame, and it is not known which one is the copy.',
    next: 'Use --copied for the copy: it gets a UUID and MAC addresses of its own. Use --moved for the original.',
  },
  NO_SUCH_NIC: {
    exit: 3,
    http: 404,
    when: 'The machine has no network adapter of that number.',
    next: '`kame nic list NAME` shows its adapters.',
  },
  NO_SUCH_SHARE: {
    exit: 3,
    http: 404,
    when: 'The machine has no shared folder of that name.',
    next: '`kame share list NAME` shows its shared folders.',
  },
  NO_SUCH_NETWORK: {
    exit: 3,
    http: 404,
    when: 'There is no network with that name.',
    next: '`kame network list` shows the networks; `kame network create NAME` makes one.',
  },
  NETWORK_IN_USE: {
    exit: 4,
    http: 409,
    when: 'A network cannot be deleted or changed because the adapters of machines use it.',
    next: 'Connect the adapters that the message names to another network first, or shut the machines down.',
  },
  BROKEN_NETWORK: {
    exit: 4,
    http: 409,
    when: 'The entry of a network in networks.json is malformed or contradicts itself.',
    next: 'Repair the entry; `kame network list` says what is wrong with it.',
  },
  PORT_IN_USE: {
    exit: 4,
    http: 409,
    when: 'Another program, or another forward, listens on that port of the host.',
    next: 'Choose another port of the host, or end the program that the message names.',
  },
  HAS_CLONES: {
    exit: 4,
    http: 409,
    when: 'A machine or snapshot cannot be deleted or moved because linked clones depend on its disks.',
    next: 'Delete the clones that the message names, or replace them with full clones first.',
  },
  CHECKPOINT_BLOCKED: {
    exit: 4,
    http: 409,
    when: 'The state of a device cannot be saved, so the running machine cannot be suspended or instantly cloned, nor have a snapshot with memory.',
    next: 'Read the message: it names the device and a remedy. A snapshot with --disk-only, or of the stopped machine, is always possible.',
  },
  CHECKPOINT_MISMATCH: {
    exit: 5,
    http: 409,
    when: 'A saved memory state was made with a different engine version, machine type, CPU, accelerator or memory size, or its files are damaged.',
    next: 'Use the engine that the message names, or discard the state: `kame start NAME --discard-state` boots from the disks.',
  },
  BUSY: {
    exit: 4,
    http: 409,
    when: 'Another operation or program is using the machine.',
    next: 'Wait until it has finished, or stop the program that the message names.',
  },
  BROKEN_MACHINE: {
    exit: 4,
    http: 409,
    when: 'The machine’s files cannot be read, or contradict each other.',
    next: 'Repair the file that the message names; `kame show NAME` lists every problem.',
  },
  OUTSIDE_FILES: {
    exit: 4,
    http: 409,
    when: 'The .vmx of a machine gives its guest files outside the machine’s directory, and you have not agreed to that.',
    next: 'Look at the files that the message names. If you trust the machine with them, run `kame register PATH --allow-outside`.',
  },
  BAD_IMAGE: {
    exit: 1,
    http: 422,
    when: 'A disk image is empty, truncated or in an unknown format, or refers to other files.',
    next: 'Replace the file that the message names with an intact copy from its source or a backup.',
  },
  CHECKSUM_MISMATCH: {
    exit: 1,
    http: 422,
    when: 'The checksum or signature of a downloaded file is wrong. The file was discarded.',
    next: 'Try again. If the error persists, the file was changed at its source or in transit: do not use it.',
  },
  DOWNLOAD_FAILED: {
    exit: 1,
    http: 502,
    when: 'A download did not complete.',
    next: 'Check the network and run the command again: the download resumes where it stopped.',
  },
  DISK_FULL: {
    exit: 1,
    http: 507,
    when: 'The host’s disk does not have enough free space for the operation.',
    next: 'Free as much space as the message says and run the command again. No partial files are left behind.',
  },
  FILE_ACCESS: {
    exit: 1,
    http: 500,
    when: 'A file cannot be read or written.',
    next: 'Check the file that the message names, above all its permissions.',
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
    when: 'QEMU is older than 7.2, or was built without a feature that Kame needs.',
    next: 'Install QEMU 7.2 or newer.',
  },
  ENGINE_FAILED: {
    exit: 5,
    http: 500,
    when: 'QEMU exited unexpectedly or rejected a command.',
    next: 'Read its last output in the message; `kame logs NAME` shows all of it.',
  },
  ENGINE_TIMEOUT: {
    exit: 5,
    http: 504,
    when: 'QEMU did not answer in time.',
    next: 'Look for the reason with `kame logs NAME`; `kame stop NAME --hard` ends QEMU.',
  },
  HOST_PROBLEM: {
    exit: 5,
    http: 500,
    when: 'The host does not provide or permit something that Kame needs.',
    next: 'Read the message; `kame doctor` checks everything that Kame needs from the host.',
  },
  DAEMON_UNREACHABLE: {
    exit: 5,
    http: 503,
    when: 'The daemon could not be started or does not respond.',
    next: 'Look for the reason with `kame daemon status` and in kamed.log in the home directory.',
  },
  GUEST_TIMEOUT: {
    exit: 1,
    http: 504,
    when: 'The guest did not respond or reach the expected state in time.',
    next: 'Raise --timeout; `kame console NAME` and `kame screenshot NAME` show what the guest is doing.',
  },
  GUEST_AGENT_MISSING: {
    exit: 1,
    http: 409,
    when: 'The guest agent does not respond, or is too old for the operation.',
    next: 'Install and start qemu-guest-agent in the guest, or wait until the guest has booted.',
  },
  GUEST_TOOLS_MISSING: {
    exit: 1,
    http: 409,
    when: 'The operation needs kame-tools, which do not answer in the guest.',
    next: '`kame tools NAME` shows what answers in the guest; `kame tools install NAME` installs kame-tools.',
  },
  GUEST_FAILED: {
    exit: 1,
    http: 502,
    when: 'The guest agent or kame-tools rejected a command, or its answer is malformed.',
    next: 'Read the answer of the guest in the message.',
  },
  CLIPBOARD_EMPTY: {
    exit: 1,
    http: 404,
    when: 'The clipboard of the guest is empty, or has nothing of the requested type.',
    next: '`kame clipboard show NAME` lists the types that it has.',
  },
  SIGNED_OUT: {
    exit: 1,
    http: 401,
    when: 'A browser has no session with the daemon: its address was used before or is too old, or the session has ended.',
    next: 'Run `kame open`, which opens a new address, or sign in again.',
  },
  FORBIDDEN: {
    exit: 1,
    http: 403,
    when: 'A request to the web desktop comes from another web page, from another user of the computer, or through another host name.',
    next: 'Run `kame open`, and use the address as it is.',
  },
  NOT_PERMITTED: {
    exit: 1,
    http: 403,
    when: 'The role of a user of the web desktop does not permit the operation.',
    next: 'Ask an owner of this Kame: `kame web user set NAME --role ROLE` changes what a user may do.',
  },
  WRONG_PASSWORD: {
    exit: 1,
    http: 401,
    when: 'Nobody has this name and this password at the web desktop.',
    next: 'Check both; `kame web user list` shows the users, and `kame web user password NAME` sets a password.',
  },
  TOO_MANY_ATTEMPTS: {
    exit: 1,
    http: 429,
    when: 'Somebody has tried too many wrong passwords, or too many people sign in at the same time.',
    next: 'Wait as long as the message says, and try again.',
  },
  NO_SUCH_USER: {
    exit: 3,
    http: 404,
    when: 'The web desktop has no user of that name.',
    next: '`kame web user list` shows the users; `kame web user add NAME` adds one.',
  },
  CANCELLED: {
    exit: 1,
    http: 499,
    when: 'The operation was cancelled, and its changes were undone.',
    next: 'Run the command again to repeat the operation.',
  },
  INTERNAL: {
    exit: 1,
    http: 500,
    when: 'An internal error: a bug in Kame.',
    next: 'Report it, with the log kamed.log.',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;
