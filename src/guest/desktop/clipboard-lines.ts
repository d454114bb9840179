import { messageOf } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { isObject } from '../agent/reply.ts';
import { violation } from '../tools/frames.ts';
import type { ClipboardState } from '../vdagent/clipboard.ts';

/** The longest line, in bytes: 32 types of 128 characters, and what is around them. */
const maxLine = 8192;
const maxTypes = 32;
/** As the API has them; others, such as those with parameters, cannot be asked for. */
const mimeType = /^[\w.+-]{1,63}\/[\w.+-]{1,64}$/;
const owners = ['guest', 'host', 'none'] as const;

export const emptyState: ClipboardState = { owner: 'none', types: [] };

/** @throws KameError GUEST_FAILED when the line is malformed */
function readState(line: string): ClipboardState {
  let value: unknown;
  try {
    value = parseJson(line, { maxDepth: 2, maxValues: maxTypes + 4 });
  } catch (error) {
    throw violation(`a state of its clipboard is not JSON (${messageOf(error)})`);
  }
  const fields = isObject(value) ? value : {};
  const owner = owners.find((one) => one === fields['owner']);
  const { types } = fields;
  if (owner === undefined || !Array.isArray(types)) throw violation('a state of its clipboard is malformed');
  const known = types.filter((type): type is string => typeof type === 'string' && mimeType.test(type));
  return known.length === 0 ? emptyState : { owner, types: known };
}

/** The states of the clipboard in what the helper sends, a line each. */
export class ClipboardLines {
  #rest = '';

  /** The last state that is whole now, if there is a new one. @throws KameError GUEST_FAILED */
  push(chunk: Buffer): ClipboardState | undefined {
    const lines = (this.#rest + chunk.toString('latin1')).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > maxLine) throw violation('a state of its clipboard is too long');
    const last = lines.at(-1);
    return last === undefined ? undefined : readState(last.slice(0, maxLine));
  }
}
