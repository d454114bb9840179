export interface JsonLimits {
  /** How deeply lists and objects may be nested in each other. */
  readonly maxDepth: number;
  /** How many values there may be in all. */
  readonly maxValues: number;
}

/** Generous for everything that Kame reads, and parsed within milliseconds. */
const usualLimits: JsonLimits = { maxDepth: 64, maxValues: 250_000 };

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

/** The position of the quote that ends a string. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== quote) at += text.charCodeAt(at) === backslash ? 2 : 1;
  return at;
}

/**
 * Checks the size of a JSON text's structure before it is parsed: JSON.parse needs more than a kilobyte for each level, and
 * 50 times the size of a text of empty lists.
 * @throws SyntaxError if it is too deep or has too many values
 */
export function checkJson(text: string, { maxDepth, maxValues }: JsonLimits = usualLimits): void {
  let [depth, values] = [0, 1];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === comma) values += 1;
    else if (code === closeList || code === closeObject) depth -= 1;
    else if (code === openList || code === openObject) {
      depth += 1;
      values += 1;
    }
    if (depth > maxDepth) throw new SyntaxError(`it is nested more than ${maxDepth} levels deep`);
    if (values > maxValues) throw new SyntaxError(`it has more than ${maxValues} values`);
  }
}

/**
 * Parses JSON from a source that is not trusted.
 * @throws SyntaxError if it is not JSON, or too deep or too large
 */
export function parseJson(text: string, limits: JsonLimits = usualLimits): unknown {
  checkJson(text, limits);
  return JSON.parse(text);
}
