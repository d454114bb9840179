import { isAbsolute } from 'node:path/posix';

export interface FlashFile {
  readonly filename: string;
  readonly format: 'raw' | 'qcow2';
}

/** A UEFI firmware in flash, from a descriptor file of QEMU (docs/interop/firmware.json). */
export interface FirmwareDescriptor {
  /** Path of the descriptor. */
  readonly file: string;
  readonly description: string;
  readonly targets: ReadonlyArray<{ readonly architecture: string; readonly machines: readonly string[] }>;
  readonly features: readonly string[];
  readonly flash: { readonly executable: FlashFile; readonly nvramTemplate: FlashFile };
  /** A file named in the descriptor that does not exist: packages may ship more descriptors than firmware. */
  readonly missing?: string;
}

const longestText = 4096;
const longestList = 256;

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= longestText ? value : undefined;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.slice(0, longestList).flatMap((one) => text(one) ?? []) : [];
}

function flashFile(value: unknown): FlashFile | undefined {
  const filename = text(field(value, 'filename'));
  const format = field(value, 'format');
  if (filename === undefined || !isAbsolute(filename) || (format !== 'raw' && format !== 'qcow2'))
    return undefined;
  return { filename, format };
}

function targetsOf(value: unknown): Array<{ architecture: string; machines: string[] }> {
  const list = Array.isArray(value) ? value.slice(0, longestList) : [];
  return list.flatMap((one) => {
    const architecture = text(field(one, 'architecture'));
    return architecture === undefined ? [] : [{ architecture, machines: texts(field(one, 'machines')) }];
  });
}

/**
 * Parses the JSON of a descriptor. Undefined if it is not JSON, or describes anything other than a UEFI firmware with
 * separate flash for code and variables.
 */
export function parseDescriptor(file: string, json: string): FirmwareDescriptor | undefined {
  let root: unknown;
  try {
    root = JSON.parse(json);
  } catch {
    return undefined;
  }
  const mapping = field(root, 'mapping');
  const mode = field(mapping, 'mode') ?? 'split';
  const executable = flashFile(field(mapping, 'executable'));
  const nvramTemplate = flashFile(field(mapping, 'nvram-template'));
  if (!texts(field(root, 'interface-types')).includes('uefi')) return undefined;
  if (field(mapping, 'device') !== 'flash' || mode !== 'split' || !executable || !nvramTemplate)
    return undefined;
  return {
    file,
    description: text(field(root, 'description')) ?? '',
    targets: targetsOf(field(root, 'targets')),
    features: texts(field(root, 'features')),
    flash: { executable, nvramTemplate },
  };
}
