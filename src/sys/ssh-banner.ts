import { createConnection } from 'node:net';

/** A server may send lines before its identification (RFC 4253, 4.2); none sends this much. */
const maxBytes = 8192;

/**
 * Whether an SSH server answers at a port: it sends a line that begins with `SSH-`. A forward accepts connections before its guest
 * does, so being connected proves nothing.
 * @param limits milliseconds, and the signal that ends the attempt
 */
export async function sshAnswers(
  host: string,
  port: number,
  limits: { readonly ms: number; readonly signal: AbortSignal },
): Promise<boolean> {
  const socket = createConnection({ host, port });
  const giveUp = () => socket.destroy();
  const timer = setTimeout(giveUp, limits.ms);
  limits.signal.addEventListener('abort', giveUp);
  let text = '';
  try {
    for await (const chunk of socket) {
      text += (chunk as Buffer).toString('latin1');
      if (/^SSH-/m.test(text)) return true;
      if (text.length > maxBytes) return false;
    }
    return false;
  } catch {
    // Refused or reset: nobody answers yet.
    return false;
  } finally {
    clearTimeout(timer);
    limits.signal.removeEventListener('abort', giveUp);
    socket.destroy();
  }
}
