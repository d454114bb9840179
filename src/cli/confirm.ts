import { createInterface } from 'node:readline';
import { KameError } from '../core/errors.ts';
import type { Session } from './session.ts';
import { visible } from './text.ts';

function canAsk({ context: { stdin, stderr } }: Session): boolean {
  return stdin.isTTY === true && stderr.isTTY === true;
}

/** Like `confirm`, for what was asked for in so many words: where nobody can be asked, that counts. */
export async function confirmAtKeyboard(session: Session, question: string): Promise<void> {
  if (canAsk(session)) await confirm(session, question);
}

/**
 * Asks for a yes on the terminal.
 * @throws KameError USAGE when nobody can be asked, CANCELLED for any answer but yes
 */
export async function confirm(session: Session, question: string): Promise<void> {
  const { stdin, stderr } = session.context;
  if (!canAsk(session)) {
    throw new KameError('USAGE', 'Nobody can be asked: this is no terminal.', {
      next: 'Say --yes when you mean it.',
    });
  }
  const lines = createInterface({ input: stdin, output: stderr });
  const answer = await new Promise<string>((resolve) => {
    lines.once('close', () => resolve(''));
    lines.question(`${visible(question)} [y/N] `, resolve);
  });
  lines.close();
  if (!/^(y|yes)$/i.test(answer.trim())) {
    throw new KameError('CANCELLED', 'Nothing was done.', { next: 'Answer y, or say --yes, to go on.' });
  }
}
