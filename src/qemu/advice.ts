import type { ErrorCode } from '../core/errors.ts';

interface Advice {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly next: string;
}

/** What QEMU is known to say when it does not start, and what that means for a person. The first match counts. */
const advices: readonly Advice[] = [
  {
    pattern: /Failed to get "(?:write|shared [^"]*|[^"]*)" lock|Is another process using the image/i,
    code: 'BUSY',
    next: 'Another program has the disk image open: another QEMU, or a backup. Stop it, then start the machine again.',
  },
  {
    pattern: /No space left on device|Failed to write pid file/i,
    code: 'DISK_FULL',
    next: 'Free some space on the host’s disk, then start the machine again.',
  },
  {
    pattern: /cannot (?:create|open|lock) (?:PID|pid) file|Failed to lock .*pid|cannot create pid file/i,
    code: 'BUSY',
    next: 'An engine of this machine still runs. `kame list` shows it; `kame stop NAME --hard` ends it.',
  },
  {
    pattern: /Could not access KVM kernel module: Permission denied|\/dev\/kvm.*Permission denied/i,
    code: 'HOST_PROBLEM',
    next: 'Add yourself to the group kvm (`sudo usermod -aG kvm $USER`) and log in again, or set kame.accelerator to tcg.',
  },
  {
    pattern: /Could not access KVM kernel module|failed to initialize kvm|KVM is not available|ioctl\(KVM_/i,
    code: 'HOST_PROBLEM',
    next: 'KVM does not work on this host. Set kame.accelerator to auto or tcg; `kame doctor` says more.',
  },
  {
    pattern: /HV_DENIED|HV_UNSUPPORTED|HV_ERROR|failed to initialize hvf/i,
    code: 'HOST_PROBLEM',
    next: 'Hypervisor.framework refused: QEMU must be signed with the entitlement com.apple.security.hypervisor (`brew install qemu` is), and not run in another virtual machine.',
  },
  {
    pattern:
      /cannot set up guest memory|Cannot allocate memory|unable to map backing store|memory allocation|MAP_FAILED/i,
    code: 'HOST_PROBLEM',
    next: 'The host has too little free memory. Stop other machines, or lower memsize.',
  },
  {
    pattern: /Address already in use|Failed to bind socket/i,
    code: 'HOST_PROBLEM',
    next: 'A socket of this machine can’t be made: something else uses its path, or its directory is gone.',
  },
  {
    pattern:
      /Image is corrupt|is corrupt|refcount|Image is not in qcow2 format|qcow2: Marking image as corrupt|Unknown qcow2/i,
    code: 'BAD_IMAGE',
    next: 'The disk image is damaged. `qemu-img check` tells how much; restore it from a snapshot or a backup.',
  },
  {
    pattern: /unsupported machine type|Unsupported machine|machine type .* does not exist/i,
    code: 'ENGINE_TOO_OLD',
    next: 'This QEMU lacks the machine type. Install a newer QEMU, or set kame.machineType to one it has.',
  },
  {
    pattern:
      /failed to find romfile|Could not load (?:PC )?BIOS|could not load (?:firmware|kernel|initrd)|failed to load .*\.(?:bin|rom|fd)/i,
    code: 'ENGINE_MISSING',
    next: 'A firmware file or kernel is missing. Debian and Ubuntu: `apt install seabios ovmf qemu-efi-aarch64 ipxe-qemu`; macOS: `brew reinstall qemu`.',
  },
  {
    pattern:
      /is not a valid device model name|'[^']+' is not a valid (?:device|object)|No such device|Device '[^']+' not found/i,
    code: 'ENGINE_TOO_OLD',
    next: 'This QEMU was built without a device of the machine. On Debian, install qemu-system-gui or the modules package; else a newer QEMU.',
  },
  {
    pattern:
      /error while loading shared libraries|Library not loaded|symbol lookup error|Only modules from the same build/i,
    code: 'ENGINE_MISSING',
    next: 'The installation of QEMU is not whole: its libraries do not fit. Install it again.',
  },
  {
    pattern: /seccomp|sandbox/i,
    code: 'HOST_PROBLEM',
    next: 'The sandbox of QEMU could not be set up: this kernel or container forbids seccomp filters.',
  },
  {
    pattern: /Could not open '?[^':]+'?: No such file or directory/i,
    code: 'BROKEN_MACHINE',
    next: 'A file of the machine is missing. `kame show NAME` lists its files.',
  },
  {
    pattern: /Permission denied/i,
    code: 'FILE_ACCESS',
    next: 'The engine may not read or write a file of the machine: check who owns it.',
  },
];

/** What is known about QEMU's last words; undefined when nothing is. */
export function adviceFor(words: string): { code: ErrorCode; next: string } | undefined {
  return advices.find((advice) => advice.pattern.test(words));
}
