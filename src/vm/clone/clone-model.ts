import { randomUUID } from 'node:crypto';
import { hostNameFor } from '../../image/seed/seed.ts';
import type { MachineModel } from '../../model/machine.ts';
import { generatedMac } from '../../model/uuid.ts';
import { applyModel } from '../../model/write.ts';
import { edit, type VmxDocument } from '../../vmx/document.ts';

/** What a clone is: the source's configuration under another name and, mostly, with another identity. */
export interface CloneConfig {
  readonly document: VmxDocument;
  readonly model: MachineModel;
  readonly macs: readonly { readonly old: string; readonly new: string }[];
}

function renamedHost(commandLine: string, hostName: string): string {
  return commandLine.replace(/\bkame\.hostname=\S+/, `kame.hostname=${hostName}`);
}

/** A new UUID and with it new MAC addresses; the tiny guest hears its host name from its kernel's command line. */
function withIdentity(model: MachineModel, name: string): MachineModel {
  const uuid = randomUUID();
  const { directBoot } = model.kame;
  const commandLine = directBoot && renamedHost(directBoot.commandLine, hostNameFor(name));
  return {
    ...model,
    uuid,
    nics: model.nics.map((nic) => ({
      ...nic,
      mac: generatedMac(uuid, nic.index),
      macType: 'generated' as const,
    })),
    kame: {
      ...model.kame,
      ...(directBoot && commandLine !== undefined ? { directBoot: { ...directBoot, commandLine } } : {}),
    },
  };
}

/** The configuration of a clone of that name. `diskFiles`: file of each disk by its present name. */
export function cloneConfig(
  document: VmxDocument,
  model: MachineModel,
  options: { readonly name: string; readonly keepIdentity: boolean; readonly nvram: string },
): CloneConfig {
  const base: MachineModel = {
    ...model,
    displayName: options.name,
    suspendedState: '',
    firmware: { ...model.firmware, nvram: options.nvram },
  };
  const clone = options.keepIdentity ? base : withIdentity(base, options.name);
  const macs = model.nics.flatMap((nic, at) => {
    const mac = clone.nics[at]?.mac;
    return mac === undefined || mac === nic.mac ? [] : [{ old: nic.mac, new: mac }];
  });
  const location = new Map([['checkpoint.vmState', '']]);
  return {
    document: applyModel(edit(document, location), { ...model, suspendedState: '' }, clone),
    model: clone,
    macs,
  };
}
