import type { MachineNic } from '../../api/nic.ts';
import type { Nic } from '../../model/machine.ts';
import { networkText } from '../../model/network.ts';
import { familyOf } from '../../qemu/plan/machine-type.ts';
import { hasPorts } from '../../qemu/plan/nics.ts';
import { contentOf } from '../../store/bundle.ts';
import { findBundle } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';

/** Whether the bus on which an adapter is lets it go while the machine runs: the root bus of PCIe does not. */
export function isRemovable(nic: Nic, machine: Running | undefined): boolean {
  if (!machine) return true;
  const family = familyOf(machine.record.machineType);
  return nic.port !== undefined || (family !== undefined && !hasPorts(family));
}

export function describeNic(nic: Nic, machine: Running | undefined): MachineNic {
  const { index, model, mac, startConnected, shape } = nic;
  return {
    index,
    model,
    mac,
    network: networkText(nic),
    connected: startConnected,
    receive: { ...shape.receive },
    transmit: { ...shape.transmit },
    removable: isRemovable(nic, machine),
  };
}

/** Like describeNic, after a change of the `.vmx`. */
export async function describeNow(host: Host, vmx: string, index: number): Promise<MachineNic> {
  const { nics } = contentOf(await host.bundles.read(vmx)).model;
  const nic = nics.find((each) => each.index === index) as Nic;
  return describeNic(nic, host.running.get(vmx));
}

/**
 * The network adapters of a machine in any state.
 * @throws KameError NO_SUCH_MACHINE, BROKEN_MACHINE when the `.vmx` cannot be read
 */
export async function listNics(host: Host, reference: string): Promise<MachineNic[]> {
  const bundle = await findBundle(host, reference);
  const machine = host.running.get(bundle.names.vmx);
  return contentOf(bundle).model.nics.map((nic) => describeNic(nic, machine));
}
