import type { MachineModel } from '../../model/machine.ts';
import { applyModel } from '../../model/write.ts';
import { edit, type VmxDocument } from '../../vmx/document.ts';
import { withNewIdentity } from '../running/new-identity.ts';

/** The configuration of a clone: the source's, with another name and usually another identity. */
export interface CloneConfig {
  readonly document: VmxDocument;
  readonly model: MachineModel;
  /** The MAC addresses that differ from the source's, for the guest's network configuration. */
  readonly macs: readonly { readonly old: string; readonly new: string }[];
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
  const clone = options.keepIdentity ? base : withNewIdentity(base, options.name);
  const macs = model.nics.flatMap((nic, at) => {
    const mac = clone.nics[at]?.mac;
    return mac === undefined || mac === nic.mac ? [] : [{ old: nic.mac, new: mac }];
  });
  const changes = new Map([['checkpoint.vmState', '']]);
  // A clone that is meant to have the UUID of its source is not asked whether it is a copy.
  if (options.keepIdentity) changes.set('uuid.action', 'keep');
  return {
    document: applyModel(edit(document, changes), { ...model, suspendedState: '' }, clone),
    model: clone,
    macs,
  };
}
