import type { ConvertDisk } from '../../api/generated/shapes.ts';

/** Reads command lines of vmware-vdiskmanager. Pure. */

/** What is done with the disk of a machine. */
export type MachineDiskAction =
  | { readonly action: 'expand'; readonly sizeBytes: number; readonly path: string }
  | { readonly action: 'defragment' | 'shrink' | 'check'; readonly path: string };

export interface Conversion {
  readonly action: 'convert';
  readonly path: string;
  readonly target: string;
  readonly kind: ConvertDisk['kind'];
  readonly adapter: 'ide' | 'lsilogic' | 'buslogic';
}

/** What is done with a disk. */
export type DiskAction =
  | MachineDiskAction
  | Conversion
  | { readonly action: 'create'; readonly sizeBytes: number; readonly path: string }
  | { readonly action: 'delete' | 'make deletable'; readonly path: string }
  | { readonly action: 'rename'; readonly path: string; readonly target: string };

export interface DiskCommand {
  readonly quiet: boolean;
  /** undefined without an operation, for which the program prints its usage. */
  readonly action: DiskAction | undefined;
}

const operations = {
  '-c': 'create',
  '-d': 'defragment',
  '-k': 'shrink',
  '-n': 'rename',
  '-r': 'convert',
  '-x': 'expand',
  '-R': 'check',
  '-e': 'check',
  '-D': 'make deletable',
  '-U': 'delete',
} as const;
/** Options with a value. The first disk of a renaming or a conversion is the value of its operation. */
const withValue = new Set(['-s', '-a', '-t', '-x', '-n', '-r']);

/** The kinds of disks by the numbers of `-t`. */
const kinds: Readonly<Record<string, ConvertDisk['kind']>> = {
  '0': 'monolithicSparse',
  '1': 'twoGbMaxExtentSparse',
  '2': 'monolithicFlat',
  '3': 'twoGbMaxExtentFlat',
  '4': 'vmfs',
  '5': 'streamOptimized',
  '6': 'vmfsThin',
};

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

/** @throws Error for a type that is none */
function kindOf(type: string): ConvertDisk['kind'] {
  const kind = kinds[type];
  if (!kind) throw new Error(`Invalid disk type: ${type === '' ? 'a conversion needs -t' : type}`);
  return kind;
}

/** Controllers for which a disk has a geometry of its own; all others have that of `lsilogic`. */
function adapterOf(text = ''): 'ide' | 'lsilogic' | 'buslogic' {
  const word = text.toLowerCase();
  return word === 'ide' || word === 'buslogic' ? word : 'lsilogic';
}

interface Line {
  readonly chosen: readonly (keyof typeof operations)[];
  readonly values: ReadonlyMap<string, string>;
  readonly words: readonly string[];
  readonly quiet: boolean;
}

/** @throws Error for what the program cannot do */
function read(argv: readonly string[]): Line {
  const values = new Map<string, string>();
  const words: string[] = [];
  const chosen: (keyof typeof operations)[] = [];
  let quiet = false;
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (word === '-p')
      throw new Error('-p is not supported by Kame: run fstrim in the guest, stop it, and use -k alone');
    if (word in operations) chosen.push(word as keyof typeof operations);
    if (word === '-q') quiet = true;
    else if (withValue.has(word)) values.set(word, argv[(at += 1)] ?? '');
    else if (!(word in operations)) words.push(word);
  }
  return { chosen, values, words, quiet };
}

/** @param path the last disk of the line */
function actionOf(operation: keyof typeof operations, path: string, values: Line['values']): DiskAction {
  const action = operations[operation];
  const value = (option: string): string => values.get(option) ?? '';
  switch (action) {
    case 'create':
      return { action, path, sizeBytes: sizeOf(value('-s')) };
    case 'expand':
      return { action, path, sizeBytes: sizeOf(value('-x')) };
    case 'rename':
      return { action, path: value('-n'), target: path };
    case 'convert':
      return {
        action,
        path: value('-r'),
        target: path,
        kind: kindOf(value('-t')),
        adapter: adapterOf(value('-a')),
      };
    default:
      return { action, path };
  }
}

/** @throws Error whose message is what the program says */
export function parse(argv: readonly string[]): DiskCommand {
  const { chosen, values, words, quiet } = read(argv);
  const [operation, ...more] = chosen;
  if (operation === undefined) return { quiet, action: undefined };
  const [path, ...others] = words;
  const first = operation === '-n' || operation === '-r' ? (values.get(operation) ?? '') : 'given';
  const isComplete = more.length === 0 && path !== undefined && others.length === 0 && first !== '';
  if (!isComplete || path.startsWith('-') || first.startsWith('-')) {
    const disks = first === 'given' ? 'one disk' : 'two disks';
    throw new Error(`One operation and ${disks} are needed`);
  }
  return { quiet, action: actionOf(operation, path, values) };
}
