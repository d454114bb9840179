import { makeIso } from '../../image/seed/iso9660.ts';
import { buses } from '../../model/devices.ts';
import type { Cdrom, MachineModel } from '../../model/machine.ts';
import { compareControllers, compareSlots, slotName } from '../../model/slots.ts';
import type { Appliance } from '../../ovf/descriptor.ts';
import { environmentXml } from '../../ovf/environment.ts';
import type { RecipeFile } from '../bundle/recipe.ts';

/** Where VMware keeps the properties of a machine for its tools. */
export const environmentKey = 'guestinfo.ovfEnv';
/** The volume and the file that guests look for: DSP0243, 9.4; cloud-init knows them too. */
const disc = { label: 'OVF ENV', file: 'ovf-env.xml', fileName: 'ovf-env.iso' } as const;
/** The transport that is a CD. */
const cdTransport = 'iso';
/** That of VMware's tools, which is served by kame-tools. */
const toolsTransport = 'com.vmware.guestInfo';

/** How the guest of an appliance learns its properties. */
export interface Environment {
  readonly model: MachineModel;
  /** For `environmentKey`; undefined without properties. */
  readonly text?: string;
  readonly files: readonly RecipeFile[];
  /** As sentences. */
  readonly notes: readonly string[];
}

/** With a drive on a new SATA controller; the same if no controller is free. */
function withDrive(model: MachineModel): MachineModel {
  const used = new Set(model.controllers.flatMap(({ bus, index }) => (bus === 'sata' ? [index] : [])));
  const index = Array.from({ length: buses.sata.controllers }, (_none, at) => at).find((at) => !used.has(at));
  if (index === undefined) return model;
  const drive: Cdrom = { bus: 'sata', controller: index, unit: 0, fileName: null, startConnected: false };
  const controller = { bus: 'sata', index, model: 'ahci' } as const;
  return {
    ...model,
    controllers: [...model.controllers, controller].sort(compareControllers),
    cdroms: [...model.cdroms, drive].sort(compareSlots),
  };
}

/** Puts a disc with the properties into an empty drive. */
function withDisc(before: MachineModel, text: string): Environment {
  const model = before.cdroms.some(({ fileName }) => fileName === null) ? before : withDrive(before);
  const drive = model.cdroms.find(({ fileName }) => fileName === null);
  if (!drive)
    return { model, text, files: [], notes: ['It has no room for a drive with the CD of its properties.'] };
  const bytes = makeIso({
    label: disc.label,
    files: [{ name: disc.file, data: Buffer.from(text) }],
    date: new Date(),
  });
  const loaded = { ...drive, fileName: disc.fileName, startConnected: true };
  return {
    model: { ...model, cdroms: model.cdroms.map((other) => (other === drive ? loaded : other)) },
    text,
    files: [{ fileName: disc.fileName, from: 'bytes', bytes }],
    notes: [`Its guest finds its properties on a CD with the label "${disc.label}", in ${slotName(drive)}.`],
  };
}

function transportNotes({ transports, properties }: Appliance): string[] {
  const empty = properties.filter(({ value }) => value === '').map(({ key }) => key);
  const others = transports.filter((transport) => !['', cdTransport, toolsTransport].includes(transport));
  const lacking =
    others.length === 0
      ? []
      : [`The appliance also asks for the transport ${others.join(', ')}, which Kame does not have.`];
  return [
    `Its properties are in the key ${environmentKey} too.`,
    ...(transports.includes(cdTransport) ? [] : ['The appliance does not ask for a CD with its properties.']),
    ...(transports.includes(toolsTransport)
      ? [`In its guest, kame-tools guestinfo get ovfEnv prints them (the transport ${toolsTransport}).`]
      : []),
    ...lacking,
    ...(empty.length === 0 ? [] : [`Properties without a value: ${empty.join(', ')}.`]),
  ];
}

/**
 * How the guest of an appliance is given its properties: on a CD if the appliance asks for that, and always in a key of the `.vmx`,
 * where `vmrun readVariable` and kame-tools in the guest find them.
 */
export function environmentOf(appliance: Appliance, model: MachineModel): Environment {
  if (appliance.properties.length === 0) return { model, files: [], notes: [] };
  const text = environmentXml(appliance.properties);
  const environment = appliance.transports.includes(cdTransport)
    ? withDisc(model, text)
    : { model, text, files: [], notes: [] };
  return { ...environment, notes: [...environment.notes, ...transportNotes(appliance)] };
}
