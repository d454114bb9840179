import { KameError } from '../core/errors.ts';
import type { Session } from './session.ts';
import { visible } from './text.ts';
import { TypedLines } from './typed-lines.ts';

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
    const secret = await new TypedLines(stdin).next();
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
