import type { ErrorCode } from '../core/error-kinds.ts';

interface Advice {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly next: string;
}

/** Known error messages of a QEMU that does not start, and advice for each. The first match is used. */
const advices: readonly Advice[] = [
  {
    pattern: /Failed to get "(?:write|shared [^"]*|[^"]*)" lock|Is another process using the image/i,
    code: 'BUSY',
    next: 'Stop the other program that has the disk image open (another QEMU, or a backup), then start the machine again.',
  },
  {
    pattern: /No space left on device|Failed to write pid file/i,
    code: 'DISK_FULL',
    next: 'Free some space on the disk of the host, then start the machine again.',
  },
  {
    pattern: /cannot (?:create|open|lock) (?:PID|pid) file|Failed to lock .*pid|cannot create pid file/i,
    code: 'BUSY',
    next: 'An engine of this machine is still running. Check with `kame list`, and end it with `kame stop NAME --hard`.',
  },
  {
    pattern: /Could not access KVM kernel module: Permission denied|\/dev\/kvm.*Permission denied/i,
    code: 'HOST_PROBLEM',
    next: 'Add yourself to the group kvm (`sudo usermod -aG kvm $USER`) and log in again, or emulate the guest: `kame set NAME accelerator=tcg`.',
  },
  {
    pattern: /Could not access KVM kernel module|failed to initialize kvm|KVM is not available|ioctl\(KVM_/i,
    code: 'HOST_PROBLEM',
    next: 'KVM does not work on this host. `kame set NAME accelerator=auto` falls back to emulation; `kame doctor` shows details.',
  },
  {
    pattern: /HV_DENIED|HV_UNSUPPORTED|HV_ERROR|failed to initialize hvf/i,
    code: 'HOST_PROBLEM',
    next: 'Use a QEMU that is signed with the entitlement com.apple.security.hypervisor (`brew install qemu` is), and do not run it in another virtual machine: Hypervisor.framework denied access.',
  },
  {
    pattern:
      /cannot set up guest memory|Cannot allocate memory|unable to map backing store|memory allocation|MAP_FAILED/i,
    code: 'HOST_PROBLEM',
    next: 'Stop other machines, or lower the memory (`kame set NAME memory=SIZE`): the host has too little free memory.',
  },
  {
    pattern: /Address already in use|Failed to bind socket/i,
    code: 'HOST_PROBLEM',
    next: 'Check the run directory in KAME_HOME: a socket of this machine could not be created, because its path is in use or its directory is missing.',
  },
  {
    pattern:
      /Image is corrupt|is corrupt|refcount|Image is not in qcow2 format|qcow2: Marking image as corrupt|Unknown qcow2/i,
    code: 'BAD_IMAGE',
    next: 'Check the damaged disk image with `qemu-img check`, then revert to a snapshot or restore a backup.',
  },
  {
    pattern: /unsupported machine type|Unsupported machine|machine type .* does not exist/i,
    code: 'ENGINE_TOO_OLD',
    next: 'Install a newer QEMU, or set kame.machineType to a type that this QEMU has.',
  },
  {
    pattern:
      /failed to find romfile|Could not load (?:PC )?BIOS|could not load (?:firmware|kernel|initrd)|failed to load .*\.(?:bin|rom|fd)/i,
    code: 'ENGINE_MISSING',
    next: 'Install the missing firmware. Debian and Ubuntu: `apt install seabios ovmf qemu-efi-aarch64 ipxe-qemu`; macOS: `brew reinstall qemu`.',
  },
  {
    pattern:
      /is not a valid device model name|'[^']+' is not a valid (?:device|object)|No such device|Device '[^']+' not found/i,
    code: 'ENGINE_TOO_OLD',
    next: 'Install a QEMU that has the missing device. On Debian, install qemu-system-gui or the modules package; elsewhere, a newer QEMU.',
  },
  {
    pattern:
      /error while loading shared libraries|Library not loaded|symbol lookup error|Only modules from the same build/i,
    code: 'ENGINE_MISSING',
    next: 'Reinstall QEMU: its installation is incomplete or its libraries do not match.',
  },
  {
    pattern: /seccomp|sandbox/i,
    code: 'HOST_PROBLEM',
    next: 'Allow seccomp filters: this kernel or container forbids them, so the sandbox of QEMU could not be set up.',
  },
  {
    pattern: /Could not open '?[^':]+'?: No such file or directory/i,
    code: 'BROKEN_MACHINE',
    next: 'Find the missing file of the machine; `kame show NAME` lists its files.',
  },
  {
    pattern: /Permission denied/i,
    code: 'FILE_ACCESS',
    next: 'Check the owner and permissions of the machine’s files: the engine cannot read or write one of them.',
  },
];

/** Advice for the last output of QEMU; undefined if it is not known. */
export function adviceFor(words: string): { code: ErrorCode; next: string } | undefined {
  return advices.find((advice) => advice.pattern.test(words));
}
