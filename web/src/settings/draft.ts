import { formatSize } from '../../../src/core/units.ts';
import type { MachineModel } from '../../../src/model/machine.ts';
import type { ModelProblem } from '../../../src/model/problem.ts';
import { readModel } from '../../../src/model/read.ts';
import { applySettings, type SettingChange } from '../../../src/model/settings.ts';
import type { TextKey } from '../text/en/index.ts';
import { entriesOf, foldKey, type VmxDocument } from '../../../src/vmx/document.ts';

/** A key whose value an edit changes; null where there is none. */
export interface Difference {
  readonly key: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** The keys that differ between two files, in the order of the first, then of the second. */
export function differences(before: VmxDocument, after: VmxDocument): Difference[] {
  const values = (doc: VmxDocument) =>
    new Map(entriesOf(doc).map(({ key, value }) => [foldKey(key), { key, value }]));
  const [old, now] = [values(before), values(after)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((folded) => {
    const [was, is] = [old.get(folded), now.get(folded)];
    if (was?.value === is?.value) return [];
    return [{ key: (was ?? is)?.key ?? folded, before: was?.value ?? null, after: is?.value ?? null }];
  });
}

/** What a list of changes makes of a file: what differs then, and what is wrong with it. */
export function review(
  document: VmxDocument,
  changes: readonly SettingChange[],
): { differences: Difference[]; problems: readonly ModelProblem[] } {
  if (changes.length === 0) return { differences: [], problems: [] };
  const { doc, problems } = applySettings(document, changes);
  return { differences: differences(document, doc), problems };
}

/** The changes that turn one file into the other, as `kame set` takes them. */
export function changesBetween(before: VmxDocument, after: VmxDocument): SettingChange[] {
  return differences(before, after).map(({ key, after: value }) => ({ key, value: value ?? '' }));
}

/** The changes that put back what differs. */
export function restored(differences: readonly Difference[]): SettingChange[] {
  return differences.map(({ key, before }) => ({ key, value: before ?? '' }));
}

type NameIn<K> = K extends `setting.${infer N}` ? N : never;
/** The settings that have a label. */
export type FieldName = NameIn<TextKey>;

/** A setting of the form: its name for `kame set`, and its value in a machine, in the words of that setting. */
export interface Field {
  readonly name: FieldName;
  readonly kind: 'number' | 'text' | 'area' | 'switch' | 'choice';
  readonly choices?: readonly string[];
  readonly read: (model: MachineModel) => string;
}

export type Group = 'general' | 'hardware' | 'startup' | 'display' | 'isolation';

const onOff = (value: boolean) => (value ? 'on' : 'off');
const trueFalse = (value: boolean) => (value ? 'TRUE' : 'FALSE');
const mebi = 1024 * 1024;

export const groups: Readonly<Record<Group, readonly Field[]>> = {
  general: [
    { name: 'notes', kind: 'area', read: (model) => model.annotation },
    { name: 'folder', kind: 'text', read: (model) => model.kame.folder ?? '' },
    { name: 'guest-os', kind: 'text', read: (model) => model.guestOS },
    { name: 'sync-time', kind: 'switch', read: (model) => onOff(model.syncTime) },
  ],
  hardware: [
    { name: 'cpus', kind: 'number', read: (model) => String(model.cpus) },
    { name: 'cores-per-socket', kind: 'number', read: (model) => String(model.coresPerSocket) },
    { name: 'memory', kind: 'text', read: (model) => formatSize(model.memoryMiB * mebi) },
    {
      name: 'accelerator',
      kind: 'choice',
      choices: ['auto', 'kvm', 'hvf', 'tcg'],
      read: (model) => model.kame.accelerator,
    },
  ],
  startup: [
    { name: 'firmware', kind: 'choice', choices: ['efi', 'bios'], read: (model) => model.firmware.kind },
    { name: 'boot-order', kind: 'text', read: (model) => model.bootOrder.join(',') },
    { name: 'secure-boot', kind: 'switch', read: (model) => onOff(model.firmware.secureBoot) },
    { name: 'tpm', kind: 'switch', read: (model) => onOff(model.tpm) },
  ],
  display: [
    {
      name: 'graphics-memory',
      kind: 'text',
      read: (model) => formatSize(model.display.graphicsMemoryKiB * 1024),
    },
    { name: 'input', kind: 'choice', choices: ['usb', 'virtio', 'ps2'], read: (model) => model.input },
    { name: 'display', kind: 'switch', read: (model) => onOff(model.display.present) },
    { name: 'sound', kind: 'switch', read: (model) => onOff(model.sound.present) },
    { name: 'usb', kind: 'switch', read: (model) => onOff(model.usb.present) },
    { name: '3d', kind: 'switch', read: (model) => onOff(model.display.accelerate3d) },
  ],
  isolation: [
    {
      name: 'isolation.tools.copy.disable',
      kind: 'switch',
      read: (model) => trueFalse(model.isolation.copyDisabled),
    },
    {
      name: 'isolation.tools.paste.disable',
      kind: 'switch',
      read: (model) => trueFalse(model.isolation.pasteDisabled),
    },
  ],
};

/** The values of all fields in a file. */
export function valuesIn(document: VmxDocument): Map<FieldName, string> {
  const { model } = readModel(document);
  return new Map(
    Object.values(groups)
      .flat()
      .map(({ name, read }) => [name, read(model)]),
  );
}

/** The values of a switch when it is on and off. */
export function switchWords(name: FieldName): readonly [on: string, off: string] {
  return name.startsWith('isolation.') ? ['TRUE', 'FALSE'] : ['on', 'off'];
}
