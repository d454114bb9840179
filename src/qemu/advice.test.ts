import { describe, expect, it } from 'vitest';
import { adviceFor } from './advice.ts';
import { startFailure } from './start-failure.ts';

describe('adviceFor', () => {
  it.each([
    ['qemu-system-aarch64: -device {...}: Failed to get "write" lock', 'BUSY', 'has the disk image open'],
    [
      'qemu: cannot create PID file: Cannot lock pid file: Resource temporarily unavailable',
      'BUSY',
      'still running',
    ],
    ['Could not access KVM kernel module: Permission denied', 'HOST_PROBLEM', 'group kvm'],
    ['Could not access KVM kernel module: No such file or directory', 'HOST_PROBLEM', 'KVM does not work'],
    ['Error: ret = HV_DENIED (0xfae94007, at ../accel/hvf)', 'HOST_PROBLEM', 'entitlement'],
    [
      "qemu-system-x86_64: cannot set up guest memory 'ram0': Cannot allocate memory",
      'HOST_PROBLEM',
      'free memory',
    ],
    ['Could not write: No space left on device', 'DISK_FULL', 'Free some space'],
    ['Failed to bind socket to /x/qmp: Address already in use', 'HOST_PROBLEM', 'run directory'],
    ['qcow2: Image is corrupt; cannot be opened read/write', 'BAD_IMAGE', 'qemu-img check'],
    ["-machine virt-99.0: unsupported machine type 'virt-99.0'", 'ENGINE_TOO_OLD', 'set kame.machineType'],
    ['failed to find romfile "efi-virtio.rom"', 'ENGINE_MISSING', 'apt install'],
    ["'virtio-vga' is not a valid device model name", 'ENGINE_TOO_OLD', 'has the missing device'],
    ['error while loading shared libraries: libfdt.so.1', 'ENGINE_MISSING', 'Reinstall QEMU'],
    ['failed to install seccomp syscall filter in the kernel', 'HOST_PROBLEM', 'seccomp'],
    ["Could not open '/x/disk0.qcow2': No such file or directory", 'BROKEN_MACHINE', 'missing'],
    ["Could not open '/x/disk0.qcow2': Permission denied", 'FILE_ACCESS', 'owner and permissions'],
  ])('has advice for %j', (words, code, next) => {
    const advice = adviceFor(words);
    expect(advice?.code).toBe(code);
    expect(advice?.next).toContain(next);
  });

  it('has no advice for other messages', () => {
    expect(adviceFor('Segmentation fault')).toBeUndefined();
    expect(adviceFor('')).toBeUndefined();
  });
});

describe('startFailure', () => {
  it('reports how the engine ended, its last output and what to do', () => {
    const error = startFailure('demo', { code: 1, signal: null }, 'Failed to get "write" lock');
    expect(error.message).toBe(
      'QEMU ended before demo was running (exit code 1). Its last output: Failed to get "write" lock',
    );
    expect(error.code).toBe('BUSY');
  });

  it('suggests a lack of memory if it was killed without any output', () => {
    const error = startFailure('demo', { code: null, signal: 'SIGKILL' }, '');
    expect(error.message).toBe('QEMU ended before demo was running (killed by SIGKILL). It printed nothing.');
    expect(error.code).toBe('ENGINE_FAILED');
    expect(error.next).toContain('memory runs out');
  });
});
