import { advance, distance, type Sequence } from './sequence.ts';

/** Pieces that are kept at most; what comes then is sent again later. */
const maxPieces = 256;

interface Piece {
  readonly start: Sequence;
  readonly data: Buffer;
}

/** Segments that came before one that is missing, in order. Their bytes are in the window, which limits them. */
export class Reassembly {
  readonly #pieces: Piece[] = [];

  /** Keeps a copy of bytes. */
  add(start: Sequence, data: Buffer): void {
    const pieces = this.#pieces;
    let at = pieces.length;
    while (at > 0 && distance(start, (pieces[at - 1] as Piece).start) >= 0) at -= 1;
    const [before, after] = [pieces[at - 1], pieces[at]];
    if (before && distance(endOf(before), start + data.length) <= 0) return;
    const isSame = after?.start === start;
    if (isSame ? after.data.length >= data.length : pieces.length >= maxPieces) return;
    const copy = Buffer.allocUnsafeSlow(data.length);
    data.copy(copy);
    pieces.splice(at, isSame ? 1 : 0, { start, data: copy });
  }

  /** Takes the piece that has the byte `next`. @returns undefined if it is still missing */
  take(next: Sequence): Buffer | undefined {
    for (let first = this.#pieces[0]; first && distance(next, first.start) <= 0; first = this.#pieces[0]) {
      this.#pieces.shift();
      const known = distance(first.start, next);
      if (known < first.data.length) return first.data.subarray(known);
    }
    return undefined;
  }
}

function endOf({ start, data }: Piece): Sequence {
  return advance(start, data.length);
}
