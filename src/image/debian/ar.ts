import { KameError } from '../../core/errors.ts';

const magic = '!<arch>\n';
const maxMembers = 100;

function bad(reason: string): KameError {
  return new KameError('BAD_IMAGE', `The package is not a valid ar archive: ${reason}.`);
}

/**
 * Reads an ar archive, the outer format of a .deb (deb(5)). Returns member name -> bytes, which are views into `data`.
 * @throws KameError BAD_IMAGE when it is malformed or truncated
 */
export function readAr(data: Uint8Array): Map<string, Uint8Array> {
  const text = (from: number, length: number) =>
    Buffer.from(data.buffer, data.byteOffset + from, length).toString('latin1');
  if (data.length < magic.length || text(0, magic.length) !== magic) throw bad('it has no ar header');
  const members = new Map<string, Uint8Array>();
  let offset = magic.length;
  while (offset < data.length) {
    if (offset + 60 > data.length) throw bad('a member header is truncated');
    if (text(offset + 58, 2) !== '`\n') throw bad(`there is no member header at byte ${offset}`);
    const name = text(offset, 16).trimEnd().replace(/\/$/, '');
    const sizeText = text(offset + 48, 10).trimEnd();
    if (!/^\d{1,10}$/.test(sizeText)) throw bad(`the size of ${JSON.stringify(name)} is not a number`);
    const size = Number(sizeText);
    const start = offset + 60;
    if (start + size > data.length) throw bad(`${JSON.stringify(name)} is truncated`);
    members.set(name, data.subarray(start, start + size));
    if (members.size > maxMembers) throw bad(`it has more than ${maxMembers} members`);
    offset = start + size + (size % 2);
  }
  return members;
}
