import type { SharedFolder } from '../../model/machine.ts';
import type { Host } from './host.ts';

type Agreed = Pick<SharedFolder, 'hostPath' | 'writable'>;

const prefix = 'share:';

/**
 * What the inventory keeps, beside the outside files, for a folder that a person has shared with a machine: anybody may have written
 * the `.vmx`, and it names directories of this user.
 */
export function shareAgreement({ hostPath, writable }: Agreed): string {
  return `${prefix}${writable ? 'rw' : 'ro'}:${hostPath}`;
}

/** Whether a person has agreed to share a folder so. @param agreed what the inventory has */
export function isShareAgreed(agreed: readonly string[], { hostPath, writable }: Agreed): boolean {
  return [writable, true].some((each) => agreed.includes(shareAgreement({ hostPath, writable: each })));
}

/** A clone may have the folders that a person has agreed to share with its source. */
export async function agreeAsFor(host: Host, vmx: string, source: string): Promise<void> {
  const shares = (await host.inventory.agreedFiles(source)).filter((each) => each.startsWith(prefix));
  if (shares.length > 0)
    await host.inventory.agree(vmx, [...(await host.inventory.agreedFiles(vmx)), ...shares]);
}
