import { KameError } from '../core/errors.ts';
import type { Session } from './session.ts';
import { visible } from './text.ts';

const maxBytes = 64 * 1024;
const [interrupt, endOfFile, backspace, deletion] = ['\u0003', '\u0004', '\b', '\u007f'];

/**
 * A secret from standard input, up to its first line break. At a terminal it is asked for, and not shown.
 * @throws KameError CANCELLED at Ctrl-C, USAGE when it is empty or too long
 */
export async function readSecret({ context }: Session, question: string): Promise<string> {
  const { stdin, stderr } = context;
  const asks = stdin.isTTY === true;
  if (asks) {
    stderr.write(`${visible(question)}: `);
    stdin.setRawMode?.(true);
  }
  try {
    const secret = await firstLine(stdin);
    if (secret === '') throw new KameError('USAGE', `${question}: nothing was given.`);
    return secret;
  } finally {
    if (asks) {
      stdin.setRawMode?.(false);
      stderr.write('\n');
    }
    // A pending read would keep the process alive.
    stdin.destroy();
  }
}

async function firstLine(stdin: AsyncIterable<Uint8Array | string>): Promise<string> {
  const decoder = new TextDecoder();
  let typed = '';
  for await (const chunk of stdin) {
    const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    for (const character of text) {
      if (character === '\n' || character === '\r' || character === endOfFile) return typed;
      if (character === interrupt) throw new KameError('CANCELLED', 'Nothing was changed.');
      if (character === backspace || character === deletion) typed = [...typed].slice(0, -1).join('');
      else typed += character;
      if (typed.length > maxBytes) throw new KameError('USAGE', 'The input is too long.');
    }
  }
  return typed;
}
