import { KameError } from '../../core/errors.ts';

/** The longest line, in characters; far more than any line of the API. */
const maxLine = 16 * 1024 * 1024;

/**
 * Reads one JSON value per line. Skips empty lines, which keep a connection alive, and drops an unfinished last line, whose
 * writer ended in the middle of it.
 * @throws KameError INTERNAL for a line that is not JSON or is too long
 */
export async function* readJsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + 1);
      if (line.trim() !== '') yield parseLine(line);
    }
    if (rest.length > maxLine) throw new KameError('INTERNAL', 'The daemon sent a line that is too long.');
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new KameError('INTERNAL', 'The daemon sent a line that is not JSON.', { cause: error });
  }
}
