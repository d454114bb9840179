/** East Asian wide and full-width characters (Unicode TR11), which fill two columns of a terminal. */
const wide =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\u33FF\u3400-\u4DBF\u4E00-\u9FFF\uA000-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE10-\uFE19\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1B000}-\u{1B2FF}\u{20000}-\u{3FFFD}]/u;
/** Emoji that are drawn in colour, by themselves or because a selector asks for it. */
const emoji = /\p{Emoji_Presentation}|\p{Emoji}\uFE0F/u;
/** What takes no column of its own: combining marks, joiners and other invisible characters. */
const nothing = /^[\p{Mn}\p{Me}\p{Cf}]*$/u;
// oxlint-disable-next-line no-control-regex -- it matches the characters that are one column each
const plain = /^[\u0020-\u007E]*$/;

/** Made when it is first needed: that takes 12 ms, and most texts are plain. */
let segmenter: Intl.Segmenter | undefined;

function graphemesOf(text: string): Iterable<{ readonly segment: string }> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return segmenter.segment(text);
}

function widthOf(grapheme: string): 0 | 1 | 2 {
  if (nothing.test(grapheme)) return 0;
  return wide.test(grapheme) || emoji.test(grapheme) ? 2 : 1;
}

/** How many columns of a terminal a text fills. It has no control characters. */
export function displayWidth(text: string): number {
  if (plain.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemesOf(text)) width += widthOf(segment);
  return width;
}

/** The start of a text that fits into a number of columns. */
export function cutToWidth(text: string, columns: number): string {
  if (plain.test(text)) return text.slice(0, Math.max(0, columns));
  let width = 0;
  let cut = '';
  for (const { segment } of graphemesOf(text)) {
    width += widthOf(segment);
    if (width > columns) return cut;
    cut += segment;
  }
  return cut;
}

/** The length of a text as a file name, in bytes of UTF-8. */
export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** The start of a text that has at most so many bytes in UTF-8. */
export function cutToBytes(text: string, bytes: number): string {
  if (utf8Length(text) <= bytes) return text;
  let cut = '';
  let length = 0;
  for (const character of text) {
    length += utf8Length(character);
    if (length > bytes) return cut;
    cut += character;
  }
  return cut;
}
