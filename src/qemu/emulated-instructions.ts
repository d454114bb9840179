import type { Engine } from './engine.ts';

const names = ['exits', 'insn_emulation'];
/** A guest that works has emulated far fewer when it prints its first line. */
const enough = 1_000_000;
/**
 * Where KVM must emulate the code of a guest, in real mode on an old processor, it comes out of the guest at the latest after
 * 130 instructions (`handle_invalid_guest_state` in Linux, arch/x86/kvm/vmx/vmx.c). More between two exits mean that it emulates all code.
 */
const mostPerExit = 256;

/**
 * Whether KVM emulates every instruction of a guest by itself instead of having the processor run it. It does that where the host
 * is itself a guest whose processor has no virtualization: slower than QEMU's own emulation, a guest is not up for minutes.
 * False as long as that is not certain.
 * @throws KameError ENGINE_FAILED without `query-stats`, which QEMU has from 7.1, and as `Qmp.execute`
 */
export async function emulatesInstructions({ qmp }: Pick<Engine, 'qmp'>): Promise<boolean> {
  const providers = [{ provider: 'kvm' as const, names }];
  const results = await qmp.execute('query-stats', { target: 'vcpu', providers });
  const sumOf = (wanted: string) =>
    results
      .flatMap(({ stats }) => stats)
      .reduce((sum, { name, value }) => sum + (name === wanted && typeof value === 'number' ? value : 0), 0);
  const emulated = sumOf('insn_emulation');
  return emulated >= enough && emulated > sumOf('exits') * mostPerExit;
}
