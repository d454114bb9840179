import { createHash } from 'node:crypto';
import type { Guest } from './guest.ts';

// What distinguishes one state of a guest from another: a file in its memory, one on its disk, the boot it is in, and a process.

const bytes = 300_000;

/** Shows the marks, the one on the disk read from there. */
export const look = `sync; echo 3 >/proc/sys/vm/drop_caches; md5sum /root/disk /dev/shm/memory 2>/dev/null
cat /proc/sys/kernel/random/boot_id; pidof tail || echo no process`;

/** Shows the mark on the disk alone, which a boot leaves. */
export const diskLook = 'md5sum /root/disk';

/** Marks a guest: no other state has this content on disk and in memory, and this process. @returns what `look` shows */
export async function become(guest: Guest, what: string): Promise<string> {
  return await guest.sh(`yes 'disk of ${what}' | head -c ${bytes} >/root/disk
yes 'memory of ${what}' | head -c ${bytes} >/dev/shm/memory
kill $(pidof tail) 2>/dev/null
setsid tail -f /dev/null >/dev/null 2>&1 </dev/null &
while ! pidof tail >/dev/null; do usleep 5000; done
${look}`);
}

function sum(what: string): string {
  return createHash('md5')
    .update(Buffer.alloc(bytes, `${what}\n`))
    .digest('hex');
}

/** What `diskLook` shows of a state. */
export function diskOf(what: string): string {
  return `${sum(`disk of ${what}`)}  /root/disk\n`;
}

/** The line of a state's memory in what `look` shows. */
export function memoryOf(what: string): string {
  return `${sum(`memory of ${what}`)}  /dev/shm/memory\n`;
}
