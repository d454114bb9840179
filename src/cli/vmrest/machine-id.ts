import { createHash } from 'node:crypto';
import type { Machine } from '../../api/generated/shapes.ts';
import type { Client } from '../../client/core/client.ts';
import { VmrestError } from './failure.ts';

/** RFC 4648, as the ids of VMware: capital letters and digits. */
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const bitsPerCharacter = 5;
const idLength = 32;

function base32(bytes: Uint8Array): string {
  let [value, bits, text] = [0, 0, ''];
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= bitsPerCharacter) {
      bits -= bitsPerCharacter;
      text += alphabet.charAt((value >>> bits) & 0x1f);
    }
  }
  return text;
}

/**
 * The id of a machine for clients of vmrest: 32 capital letters and digits that follow from its UUID, so that it stays the same
 * when the machine is moved or renamed. A machine whose .vmx cannot be read has none, and gets one of its path.
 */
export function idOf({ id, path }: Pick<Machine, 'id' | 'path'>): string {
  const digest = createHash('sha256').update(`vmrest:${id === '' ? path : id.toLowerCase()}`);
  return base32(digest.digest()).slice(0, idLength);
}

/**
 * The machine with an id.
 * @throws VmrestError 404 if there is none, 409 if two machines of the list have it because one is a copy
 */
export async function machineWith(
  id: string,
  { client, signal }: { readonly client: Client; readonly signal: AbortSignal },
): Promise<Machine> {
  const found = (await client.machines.list({ signal })).filter((machine) => idOf(machine) === id);
  const [machine, ...others] = found;
  if (!machine)
    throw new VmrestError(
      404,
      'noSuchMachine',
      'The virtual machine cannot be found: GET /vms lists the ids.',
    );
  if (others.length > 0) {
    const paths = found.map(({ path }) => path).join(', ');
    throw new VmrestError(
      409,
      'failed',
      `These machines have the same UUID, because one is a copy of another: ${paths}. kame start asks which one.`,
    );
  }
  return machine;
}
