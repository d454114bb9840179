import { KameError } from '../core/errors.ts';

const maxLength = 64 * 1024;
const [interrupt, endOfFile, backspace, deletion] = ['\u0003', '\u0004', '\b', '\u007f'];

/** Lines from standard input, also from a terminal in raw mode, which leaves keys for editing to its reader. */
export class TypedLines {
  readonly #chunks: AsyncIterator<Uint8Array | string>;
  readonly #decoder = new TextDecoder();
  #characters: string[] = [];
  /** Whether the last line ended with a carriage return, to which a line feed may belong. */
  #returned = false;

  constructor(stdin: AsyncIterable<Uint8Array | string>) {
    this.#chunks = stdin[Symbol.asyncIterator]();
  }

  /** The next line; what there is when the input ends. @throws KameError CANCELLED at Ctrl-C, USAGE when it is too long */
  async next(): Promise<string> {
    let typed = '';
    for (;;) {
      const character = await this.#character();
      const isSecondHalf = this.#returned && character === '\n';
      this.#returned = character === '\r';
      if (isSecondHalf) continue;
      if (character === undefined || [endOfFile, '\n', '\r'].includes(character)) return typed;
      if (character === interrupt) throw new KameError('CANCELLED', 'Nothing was changed.');
      if (character === backspace || character === deletion) typed = [...typed].slice(0, -1).join('');
      else typed += character;
      if (typed.length > maxLength) throw new KameError('USAGE', 'The input is too long.');
    }
  }

  /** undefined at the end of the input. */
  async #character(): Promise<string | undefined> {
    while (this.#characters.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) return undefined;
      const text = typeof value === 'string' ? value : this.#decoder.decode(value, { stream: true });
      this.#characters = [...text].toReversed();
    }
    return this.#characters.pop();
  }
}
