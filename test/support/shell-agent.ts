import { packed, vd, words } from './fake-vdagent.ts';
import type { TestHome } from './home.ts';

/** The bytes as an argument of printf. */
export function octal(bytes: Buffer): string {
  return [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

/** The number of a text among the kinds of content. */
const text = 1;
const selection = Buffer.from([0, 0, 0, 0]);
/** Bytes of a message before its data, in a chunk. */
const headBytes = 28;

/**
 * Plays the desktop agent of a guest that has none, with its shell: it copies a text, and when the host copies one of so many
 * bytes, takes it into the file /root/taken. Disposing ends it.
 */
export function playAgent(
  home: TestHome,
  machine: string,
  { copies, takes }: { readonly copies: string; readonly takes: number },
): AsyncDisposable {
  // It can do without serials.
  const capabilities = packed(vd.caps, words(0, (1 << 5) | (1 << 6)));
  const grab = packed(vd.grab, Buffer.concat([selection, words(text)]));
  const content = packed(vd.clipboard, Buffer.concat([selection, words(text), Buffer.from(copies)]));
  const request = packed(vd.request, Buffer.concat([selection, words(text)]));
  const skip = (bytes: number) => `dd bs=1 count=${bytes} of=/dev/null <&3 2>/dev/null`;
  const script = [
    'port=$(basename $(dirname $(grep -l com.redhat.spice.0 /sys/class/virtio-ports/*/name)))',
    'exec 3<>/dev/$port',
    // A port that the host has not connected to yet is at its end.
    `until [ "$(dd bs=1 count=${headBytes + 8} <&3 2>/dev/null | wc -c)" -eq ${headBytes + 8} ]; do :; done`,
    `printf '${octal(Buffer.concat([capabilities, grab]))}' >&3`,
    skip(headBytes + 8),
    `printf '${octal(content)}' >&3`,
    // The host copies, and is asked for it.
    skip(headBytes + 8),
    `printf '${octal(request)}' >&3`,
    skip(headBytes + 8),
    `dd bs=1 count=${takes} <&3 2>/dev/null > /root/taking && mv /root/taking /root/taken`,
    // Until the end of the connection of exec.
    'cat <&3',
  ];
  const stop = new AbortController();
  const output = async () => await Promise.resolve();
  const command = ['sh', '-c', script.join('\n')];
  const running = home
    .client()
    .machines.exec(machine, { command }, { output, signal: stop.signal })
    .catch(() => undefined);
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
    },
  };
}
