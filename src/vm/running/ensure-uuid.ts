import { randomUUID } from 'node:crypto';
import { generatedMac, nilUuid } from '../../model/uuid.ts';
import { applySpec } from '../../model/write.ts';
import { writeMachineFile, type MachineFile } from '../../store/bundle.ts';
import type { Host } from '../host/host.ts';

/**
 * Gives a machine a UUID when its `.vmx` has none, as VMware does at the first power-on: templates of other tools come
 * without. Addresses that are derived from it are derived anew.
 */
export async function ensureUuid(host: Host, file: MachineFile): Promise<MachineFile> {
  const { content, names } = file;
  if (!content || file.broken !== null || content.spec.uuid !== nilUuid) return file;
  const uuid = randomUUID();
  const nics = content.spec.nics.map((nic) =>
    nic.macType === 'generated' ? { ...nic, mac: generatedMac(uuid, nic.index) } : nic,
  );
  await writeMachineFile(
    names.vmx,
    applySpec(content.document, content.spec, { ...content.spec, uuid, nics }),
  );
  return await host.files.read(names.vmx);
}
