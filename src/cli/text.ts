/** Control characters: C0, DEL, C1 and bidirectional marks. A name or a guest must not control the terminal. */
// oxlint-disable-next-line no-control-regex -- it matches control characters on purpose
const controls = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
// oxlint-disable-next-line no-control-regex
const controlsButNewline = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`;
}

/** Untrusted text for a terminal, on one line: control characters are shown as `\x1b` and the like. */
export function visible(text: string): string {
  return text.replace(controls, escaped);
}

/** Like `visible`, but keeps line breaks. */
export function visibleLines(text: string): string {
  return text.replace(controlsButNewline, escaped);
}

// oxlint-disable-next-line no-control-regex
const controlsButBlank = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Makes the bytes of a log visible as they arrive, in pieces of any size: like `visibleLines`, but keeps tabs, and the line
 * ends of a serial console (CR LF) become ordinary ones.
 */
export class VisibleLog {
  readonly #decoder = new TextDecoder();
  /** Carriage returns at the end of the last piece: a line feed may follow. */
  #held = '';

  push(chunk: Uint8Array): string {
    return this.#clean(this.#held + this.#decoder.decode(chunk, { stream: true }));
  }

  /** What is left at the end of the log. */
  end(): string {
    const rest = this.#clean(this.#held + this.#decoder.decode());
    return rest + this.#held.replace(controlsButBlank, escaped);
  }

  #clean(text: string): string {
    this.#held = /\r*$/.exec(text)?.[0] ?? '';
    const whole = text.slice(0, text.length - this.#held.length);
    return whole.replace(/\r+\n/g, '\n').replace(controlsButBlank, escaped);
  }
}

/** A number of things: `1 file`, `2 files`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

/** Indents every line by two spaces. */
export function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');
}

/** JSON without control characters: JSON itself does not escape DEL and C1. */
export function toJson(value: unknown, space?: number): string {
  return JSON.stringify(value, null, space).replace(
    controlsButNewline,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
