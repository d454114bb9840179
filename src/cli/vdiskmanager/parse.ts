/** Reads command lines of vmware-vdiskmanager. Pure. */

/** What is done with a disk. */
export type DiskAction =
  | { readonly action: 'create'; readonly sizeBytes: number; readonly path: string }
  | { readonly action: 'expand'; readonly sizeBytes: number; readonly path: string }
  | { readonly action: 'defragment' | 'shrink' | 'check' | 'delete'; readonly path: string };

export interface DiskCommand {
  readonly quiet: boolean;
  /** undefined without an operation, for which the program prints its usage. */
  readonly action: DiskAction | undefined;
}

/** Operations, and how many words follow each besides the disk. */
const operations = {
  '-c': 'create',
  '-d': 'defragment',
  '-k': 'shrink',
  '-x': 'expand',
  '-R': 'check',
  '-e': 'check',
  '-U': 'delete',
} as const;
/** Options with a value. The type and the adapter of a disk do not matter to Kame, which makes one kind. */
const withValue = new Set(['-s', '-a', '-t', '-x']);
const unsupported: ReadonlySet<string> = new Set(['-n', '-r', '-p', '-D']);

const units: Readonly<Record<string, number>> = {
  s: 512,
  k: 1024,
  kb: 1024,
  m: 1024 ** 2,
  mb: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1024 ** 3,
};
const limits = { least: 1024 ** 2, most: 8192 * 1024 ** 3 } as const;

/** `40960M`, `4GB`, `2048s` in bytes; a number alone is in sectors. @throws Error */
export function sizeOf(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,15})([a-z]{0,2})$/iu.exec(text) ?? [];
  const factor = units[unit === '' ? 's' : unit.toLowerCase()];
  const bytes = digits === '' || factor === undefined ? NaN : Number(digits) * factor;
  if (!(bytes >= limits.least && bytes <= limits.most)) throw new Error(`Invalid size: ${text}`);
  return bytes;
}

/** @throws Error whose message is what the program says */
export function parse(argv: readonly string[]): DiskCommand {
  const values = new Map<string, string>();
  const words: string[] = [];
  const chosen: (keyof typeof operations)[] = [];
  let quiet = false;
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (unsupported.has(word)) throw new Error(`${word} is not supported by Kame`);
    if (word in operations) chosen.push(word as keyof typeof operations);
    if (word === '-q') quiet = true;
    else if (withValue.has(word)) values.set(word, argv[(at += 1)] ?? '');
    else if (!(word in operations)) words.push(word);
  }
  const [operation, ...more] = chosen;
  if (operation === undefined) return { quiet, action: undefined };
  const [path, ...others] = words;
  if (more.length > 0 || path === undefined || others.length > 0 || path.startsWith('-'))
    throw new Error('One operation and one disk are needed');
  const action = operations[operation];
  if (action === 'create')
    return { quiet, action: { action, path, sizeBytes: sizeOf(values.get('-s') ?? '') } };
  if (action === 'expand')
    return { quiet, action: { action, path, sizeBytes: sizeOf(values.get('-x') ?? '') } };
  return { quiet, action: { action, path } };
}
