import { createInterface } from 'node:readline';
import type { MovedOrCopied } from '../api/generated/shapes.ts';
import { KameError } from '../core/errors.ts';
import { canAsk } from './confirm.ts';
import type { Session } from './session.ts';
import { visible } from './text.ts';

/** The answer that the options give. @throws KameError USAGE for both */
export function movedOrCopied(options: {
  readonly moved?: boolean | undefined;
  readonly copied?: boolean | undefined;
}): MovedOrCopied | undefined {
  if (options.moved && options.copied)
    throw new KameError('USAGE', '--moved and --copied contradict each other.', { next: 'Use one of them.' });
  if (options.moved) return 'moved';
  return options.copied ? 'copied' : undefined;
}

/**
 * Asks VMware's question at the terminal, if an error is about it.
 * @returns undefined for any other error, without a terminal, and for any answer but one of the two
 */
export async function askMovedOrCopied(session: Session, error: unknown): Promise<MovedOrCopied | undefined> {
  if (!(error instanceof KameError) || error.code !== 'MOVED_OR_COPIED' || !canAsk(session)) return undefined;
  const { stdin, stderr } = session.context;
  const { machine } = error.details;
  const lines = createInterface({ input: stdin, output: stderr });
  const question = `${error.message}\nDid you move ${machine} or copy it?`;
  const answer = await new Promise<string>((resolve) => {
    lines.once('close', () => resolve(''));
    lines.question(`${question.split('\n').map(visible).join('\n')} [moved/copied] `, resolve);
  });
  lines.close();
  return (['moved', 'copied'] as const).find((word) => word === answer.trim().toLowerCase());
}
