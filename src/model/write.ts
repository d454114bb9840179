import { edit, emptyDocument, entriesOf, foldKey, type VmxDocument } from '../vmx/document.ts';
import { keysOf } from './keys.ts';
import type { MachineModel } from './machine.ts';
import { readModel } from './read.ts';
import { controllerName, slotName } from './slots.ts';

/** Keys that VMware expects in every file and that Kame does not use. Without the bridges no PCI slot would be free. */
const boilerplate: readonly (readonly [string, string])[] = [
  ['virtualHW.productCompatibility', 'hosted'],
  ['pciBridge0.present', 'TRUE'],
  ...[4, 5, 6, 7].flatMap((bridge) => [
    [`pciBridge${bridge}.present`, 'TRUE'] as const,
    [`pciBridge${bridge}.virtualDev`, 'pcieRootPort'] as const,
    [`pciBridge${bridge}.functions`, '8'] as const,
  ]),
  ['vmci0.present', 'TRUE'],
  ['floppy0.present', 'FALSE'],
  ['powerType.powerOff', 'soft'],
  ['powerType.powerOn', 'soft'],
  ['powerType.suspend', 'soft'],
  ['powerType.reset', 'soft'],
];

/** A new `.vmx` for a machine: reading it yields the same model. */
export function createDocument(model: MachineModel): VmxDocument {
  const timer = model.arch === 'x86_64' ? [['hpet0.present', 'TRUE'] as const] : [];
  const keys = keysOf(model);
  const more = [...boilerplate, ...timer].filter(([key]) => !keys.has(key));
  return edit(emptyDocument(), new Map([...keys, ...more]));
}

/**
 * The edits that turn the file of `before` into that of `after`: key -> value, or null to delete. Keys with the same
 * meaning in both are left alone, so that the file keeps their spelling.
 */
export function specChanges(before: MachineModel, after: MachineModel): Map<string, string | null> {
  const old = keysOf(before);
  const wanted = keysOf(after);
  const changes = new Map<string, string | null>();
  for (const key of old.keys()) if (!wanted.has(key)) changes.set(key, null);
  for (const [key, value] of wanted) if (old.get(key) !== value) changes.set(key, value);
  return changes;
}

/** The names of all numbered devices: `nvme0`, `nvme0:0`, `ethernet0`, … */
function deviceNames(model: MachineModel): string[] {
  return [
    ...model.controllers.map(controllerName),
    ...model.disks.map(slotName),
    ...model.cdroms.map(slotName),
    ...model.nics.map(({ index }) => `ethernet${index}`),
    ...model.floppies.map(({ index }) => `floppy${index}`),
    ...model.serials.map(({ index }) => `serial${index}`),
    ...model.parallels.map(({ index }) => `parallel${index}`),
    ...model.sharedFolders.map(({ index }) => `sharedFolder${index}`),
  ];
}

/**
 * Applies specChanges to a document. All keys of a removed device are deleted (`ethernet1.pciSlotNumber`, …), known or
 * not: otherwise the next device of that name would inherit them. Reading the result yields `after`.
 * @throws KameError INVALID_VALUE when a value cannot be written
 */
export function applyModel(doc: VmxDocument, before: MachineModel, after: MachineModel): VmxDocument {
  const changes = specChanges(before, after);
  const kept = new Set(deviceNames(after));
  const gone = deviceNames(before).flatMap((name) =>
    kept.has(name) ? [] : [foldKey(`${name}.`), foldKey(`kame.${name}.`)],
  );
  if (gone.length > 0) {
    for (const { key } of entriesOf(doc)) {
      const folded = foldKey(key);
      if (gone.some((prefix) => folded.startsWith(prefix))) changes.set(key, null);
    }
  }
  const edited = edit(doc, changes);
  // Values that are not in the file derive from other keys (a MAC address from the UUID) and may have changed with
  // them.
  return edit(edited, specChanges(readModel(edited).model, after));
}
