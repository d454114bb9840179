import { familyOfGuestOs } from '../../model/guest-os.ts';

/** Where the program in the guest, spice-webdavd or kame-tools, serves the shared folders. */
export const guestAddress = 'http://127.0.0.1:9843/';

export interface MountAdvice {
  /** What makes the shared folders a directory or a drive of the guest; null where only programs reach them. */
  readonly command: string | null;
  /** What the guest needs for it. */
  readonly needs: string;
}

/** How to reach the shared folders in a guest. @param guestOS as in the `.vmx` */
export function mountAdvice(guestOS: string): MountAdvice {
  const family = familyOfGuestOs(guestOS);
  if (family === 'linux')
    return {
      command: `mkdir -p /mnt/shared && echo | mount -t davfs -o username=kame ${guestAddress} /mnt/shared`,
      needs: 'root, the package davfs2, and kame-tools or spice-webdavd',
    };
  if (family === 'windows')
    return { command: 'net use * http://localhost:9843/', needs: 'the Spice WebDAV daemon (spice-webdavd)' };
  return { command: null, needs: 'a program that serves the port org.spice-space.webdav.0' };
}
