import { createHash } from 'node:crypto';
import type { Guest } from './guest.ts';
import { openSerialShell, type SerialShell } from './serial-console.ts';

// A guest that writes until its host's disk is full.

const bytes = 12_000_000;

export interface Writer extends Disposable {
  /** Has the guest begin. What happens then, it can't say: its machine is paused. */
  begin(): Promise<void>;
  /** Whether the guest has written all. */
  done(): Promise<boolean>;
  /** Shows the checksum of what is on its disk. */
  readonly look: string;
  /** What `look` shows when nothing is lost. */
  readonly whole: string;
}

/** Prepares a guest to write, by a shell on its serial console, since the guest agent's answer could come too late. */
export async function prepareWriter(guest: Guest): Promise<Writer> {
  await guest.sh(`cat >/root/fill <<'end'
yes kame | head -c ${bytes} >/root/big; sync; echo written >/root/done
end`);
  const shell: SerialShell = await openSerialShell(guest);
  // Also what the login has written: nothing of it may meet the full disk before the writer begins.
  await guest.sh('sync');
  const sum = createHash('md5').update(Buffer.alloc(bytes, 'kame\n')).digest('hex');
  return {
    begin: async () => {
      await shell.type('sh /root/fill &');
      await shell.shows('sh /root/fill &');
    },
    done: async () => (await guest.exec('cat', '/root/done')).stdout === 'written\n',
    look: 'echo 3 >/proc/sys/vm/drop_caches; md5sum </root/big',
    whole: `${sum}  -\n`,
    [Symbol.dispose]: () => shell[Symbol.dispose](),
  };
}
