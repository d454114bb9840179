/** Keys (folded) that `set` may not change, and the reason. */
export const protectedKeys: ReadonlyMap<string, string> = new Map([
  ['.encoding', 'the whole file is in that encoding'],
  ['config.version', 'no program can read the file without it'],
  ['virtualhw.version', 'the hardware of the guest depends on it'],
  ['virtualhw.productcompatibility', 'the file belongs to a desktop product'],
  ['displayname', 'use `kame rename`'],
  ['name', 'use `kame rename`'],
  ['uuid.bios', 'it is the machine’s identity'],
  ['uuid.location', 'it is the machine’s identity'],
  ['vc.uuid', 'it is the machine’s identity'],
  ['kame.nvram', 'the file with the EFI variables belongs to the machine'],
  ['nvram', 'the file with the EFI variables belongs to the machine'],
  ['extendedconfigfile', 'the file belongs to the machine'],
  ['checkpoint.vmstate', 'it names the suspended state of the machine'],
  ['kame.seed', 'the seed is made together with the machine'],
  ['kame.hardware', 'saved states of the machine depend on it'],
  ['kame.image', 'it records the image of the first disk'],
  ['kame.importedfrom', 'it records the original of an imported machine'],
  ['kame.boot.kernel', 'the kernel belongs to the machine'],
  ['kame.boot.initrd', 'the initrd belongs to the machine'],
]);

/** Protected keys that may be removed but not set: an empty value discards a suspended state. */
export const removableKeys: ReadonlySet<string> = new Set(['checkpoint.vmstate']);

/** Keys with a number that `set` may not change, folded, and the reason. */
const protectedPatterns: readonly (readonly [RegExp, string])[] = [
  [/^kame\.ethernet\d+\.port$/, 'saved states of the machine depend on it; use `kame nic`'],
];

/** Prefixes of keys that `set` may not change, and the reason. */
const protectedPrefixes: readonly (readonly [string, string])[] = [
  ['encryption.', 'the file could no longer be decrypted'],
];

/** Why a key, folded, may not be changed; undefined if it may. */
export function protectionOf(folded: string): string | undefined {
  return (
    protectedKeys.get(folded) ??
    protectedPatterns.find(([pattern]) => pattern.test(folded))?.[1] ??
    protectedPrefixes.find(([prefix]) => folded.startsWith(prefix))?.[1]
  );
}
