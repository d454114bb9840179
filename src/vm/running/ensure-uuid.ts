import { randomUUID } from 'node:crypto';
import type { Nic } from '../../model/machine.ts';
import { generatedMac, nilUuid, normalizeMac } from '../../model/uuid.ts';
import { applyModel } from '../../model/write.ts';
import { writeVmx, type Bundle } from '../../store/bundle.ts';
import { getText, type VmxDocument } from '../../vmx/document.ts';
import type { Host } from '../host/host.ts';

/** Whether the MAC address of an adapter comes from the UUID, and not from the file: the guest may know that one. */
function isDerived(document: VmxDocument, { index, mac, macType }: Nic): boolean {
  const written = ['generatedAddress', 'address'].map((key) => getText(document, `ethernet${index}.${key}`));
  return macType === 'generated' && !written.some((text) => normalizeMac(text ?? '') === mac);
}

/**
 * Gives a machine a UUID if its `.vmx` has none, as VMware does at the first power-on: templates of other tools lack one.
 * MAC addresses that are derived from the UUID change with it; those in the file stay.
 */
export async function ensureUuid(host: Host, bundle: Bundle): Promise<Bundle> {
  const { content, names } = bundle;
  if (!content || bundle.broken !== null || content.model.uuid !== nilUuid) return bundle;
  const uuid = randomUUID();
  const nics = content.model.nics.map((nic) =>
    isDerived(content.document, nic) ? { ...nic, mac: generatedMac(uuid, nic.index) } : nic,
  );
  await writeVmx(names.vmx, applyModel(content.document, content.model, { ...content.model, uuid, nics }));
  return await host.bundles.read(names.vmx);
}
