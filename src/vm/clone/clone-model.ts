import { randomUUID } from 'node:crypto';
import { hostNameFor } from '../../image/seed/seed.ts';
import type { MachineModel } from '../../model/machine.ts';
import { generatedMac } from '../../model/uuid.ts';
import { applyModel } from '../../model/write.ts';
import { edit, type VmxDocument } from '../../vmx/document.ts';

/** The configuration of a clone: the source's, with another name and usually another identity. */
export interface CloneConfig {
  readonly document: VmxDocument;
  readonly model: MachineModel;
  /** The MAC addresses that differ from the source's, for the guest's network configuration. */
  readonly macs: readonly { readonly old: string; readonly new: string }[];
}

function renamedHost(commandLine: string, hostName: string): string {
  return commandLine.replace(/\bkame\.hostname=\S+/, `kame.hostname=${hostName}`);
}

/** Gives a clone a new UUID and new MAC addresses. The tiny guest gets its host name from the kernel command line. */
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

/**
 * The configuration of a clone. Its disks still refer to the source's files: the caller sets the file of each slot.
 * @param options.keepIdentity keeps the UUID, the MAC addresses and the host name of the source
 * @param options.nvram file name of the clone's EFI variables
 */
export function cloneConfig(
  document: VmxDocument,
  model: MachineModel,
  options: { readonly name: string; readonly keepIdentity: boolean; readonly nvram: string },
): CloneConfig {
  // Only the guest's own EFI variables are copied: VMware's file stays with the source.
  const { kind, secureBoot } = model.firmware;
  const base: MachineModel = {
    ...model,
    displayName: options.name,
    suspendedState: '',
    firmware: { kind, secureBoot, nvram: options.nvram },
  };
  const clone = options.keepIdentity ? base : withIdentity(base, options.name);
  const macs = model.nics.flatMap((nic, at) => {
    const mac = clone.nics[at]?.mac;
    return mac === undefined || mac === nic.mac ? [] : [{ old: nic.mac, new: mac }];
  });
  const notSuspended = new Map([['checkpoint.vmState', '']]);
  return {
    document: applyModel(edit(document, notSuspended), { ...model, suspendedState: '' }, clone),
    model: clone,
    macs,
  };
}
