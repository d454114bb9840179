import { allBundles } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { agree, outsideFiles } from '../host/outside-files.ts';

/**
 * Agrees to the outside files that machines used before an update: the inventory of an earlier version has no agreements.
 * Without an inventory there is nothing that shows which machines are old.
 */
export async function keepAgreements(host: Host): Promise<void> {
  if (await host.inventory.hasAgreements()) return;
  for (const { names, content } of await allBundles(host)) {
    if (content) await agree(host, names.vmx, await outsideFiles(names, content.model));
  }
  await host.inventory.beginAgreements();
}
