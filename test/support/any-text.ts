import * as fc from 'fast-check';

/** The code points from here on that are only halves of characters, and their number. */
const [firstSurrogate, surrogates] = [0xd800, 0x800];

const anyCharacter = fc.nat({ max: 0x10ffff - surrogates }).map(
  (index) => String.fromCodePoint(index < firstSurrogate ? index : index + surrogates),
  (character) => {
    const point = typeof character === 'string' ? character.codePointAt(0) : undefined;
    if (point === undefined || String.fromCodePoint(point) !== character) throw new Error('Not a character.');
    return point < firstSurrogate ? point : point - surrogates;
  },
);

/**
 * Text of any characters of Unicode. It replaces `fc.string({ unit: 'binary' })`, which makes a table of all characters:
 * that takes a second, and more than 100 MB until the process ends.
 * @param maxLength in characters
 */
export function anyText(maxLength?: number): fc.Arbitrary<string> {
  return fc.string({ unit: anyCharacter, ...(maxLength === undefined ? {} : { maxLength }) });
}
