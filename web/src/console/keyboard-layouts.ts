/** A key by the code of its place (UI Events KeyboardEvent code), and whether Shift is held with it. */
export interface Stroke {
  readonly code: string;
  readonly shift: boolean;
}

const letters = [...'abcdefghijklmnopqrstuvwxyz'];
const digits = [...'1234567890'];

/** The characters on keys other than letters, as pairs of the one without and the one with Shift. */
const signs = {
  us: {
    Backquote: '`~',
    Minus: '-_',
    Equal: '=+',
    BracketLeft: '[{',
    BracketRight: ']}',
    Backslash: '\\|',
    Semicolon: ';:',
    Quote: '\'"',
    Comma: ',<',
    Period: '.>',
    Slash: '/?',
  },
  jp: {
    Minus: '-=',
    Equal: '^~',
    IntlYen: '¥|',
    BracketLeft: '@`',
    BracketRight: '[{',
    Semicolon: ';+',
    Quote: ':*',
    Backslash: ']}',
    IntlRo: '\\_',
    Comma: ',<',
    Period: '.>',
    Slash: '/?',
  },
} as const;

/** What Shift makes of the digits 1 to 0. On a Japanese keyboard, 0 has nothing. */
const shiftedDigits = { us: '!@#$%^&*()', jp: '!"#$%&\'()' } as const;

/** Keyboards that a guest may be set to. */
export type Layout = keyof typeof signs;
export const layouts: readonly Layout[] = ['us', 'jp'];

function strokesOf(layout: Layout): ReadonlyMap<string, Stroke> {
  const strokes = new Map<string, Stroke>();
  const add = (character: string | undefined, code: string, shift: boolean) => {
    if (character !== undefined) strokes.set(character, { code, shift });
  };
  for (const letter of letters) {
    const code = `Key${letter.toUpperCase()}`;
    add(letter, code, false);
    add(letter.toUpperCase(), code, true);
  }
  for (const [index, digit] of digits.entries()) {
    add(digit, `Digit${digit}`, false);
    add(shiftedDigits[layout][index], `Digit${digit}`, true);
  }
  for (const [code, [plain, shifted]] of Object.entries(signs[layout])) {
    add(plain, code, false);
    add(shifted, code, true);
  }
  add(' ', 'Space', false);
  add('\n', 'Enter', false);
  add('\t', 'Tab', false);
  return strokes;
}

const tables: Readonly<Record<Layout, ReadonlyMap<string, Stroke>>> = {
  us: strokesOf('us'),
  jp: strokesOf('jp'),
};

/**
 * The keys that type a text on a guest with this keyboard; undefined if it has a character that no key makes, such as one that an
 * input method composes.
 */
export function strokesFor(text: string, layout: Layout): readonly Stroke[] | undefined {
  const strokes = [...text.replaceAll('\r\n', '\n')].map((character) => tables[layout].get(character));
  return strokes.every((stroke) => stroke !== undefined) ? strokes : undefined;
}
