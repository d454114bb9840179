import { randomUUID } from 'node:crypto';
import { generatedMac, nilUuid } from '../../model/uuid.ts';
import { applyModel } from '../../model/write.ts';
import { writeVmx, type Bundle } from '../../store/bundle.ts';
import type { Host } from '../host/host.ts';

/**
 * Gives a machine a UUID if its `.vmx` has none, as VMware does at the first power-on: templates of other tools lack one.
 * MAC addresses that are derived from the UUID change with it.
 */
export async function ensureUuid(host: Host, bundle: Bundle): Promise<Bundle> {
  const { content, names } = bundle;
  if (!content || bundle.broken !== null || content.model.uuid !== nilUuid) return bundle;
  const uuid = randomUUID();
  const nics = content.model.nics.map((nic) =>
    nic.macType === 'generated' ? { ...nic, mac: generatedMac(uuid, nic.index) } : nic,
  );
  await writeVmx(names.vmx, applyModel(content.document, content.model, { ...content.model, uuid, nics }));
  return await host.bundles.read(names.vmx);
}
