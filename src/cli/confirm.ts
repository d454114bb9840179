import { createInterface } from 'node:readline';
import { KameError } from '../core/errors.ts';
import type { Session } from './session.ts';
import { visible } from './text.ts';

/** Whether a person can be asked: both standard input and standard error are a terminal. */
export function canAsk({ context: { stdin, stderr } }: Session): boolean {
  return stdin.isTTY === true && stderr.isTTY === true;
}

/** Like `confirm`, for an explicit request: without a terminal it needs no further confirmation. */
export async function confirmAtKeyboard(session: Session, question: string): Promise<void> {
  if (canAsk(session)) await confirm(session, question);
}

/** @throws KameError USAGE if nobody can be asked */
export function requireTerminal(session: Session): void {
  if (canAsk(session)) return;
  throw new KameError('USAGE', 'Cannot prompt for confirmation: there is no terminal.', {
    next: 'Use --yes to confirm.',
  });
}

/**
 * Asks a yes-or-no question on the terminal.
 * @throws KameError USAGE without a terminal, CANCELLED for any answer but yes
 */
export async function confirm(session: Session, question: string): Promise<void> {
  requireTerminal(session);
  const { stdin, stderr } = session.context;
  const lines = createInterface({ input: stdin, output: stderr });
  const answer = await new Promise<string>((resolve) => {
    lines.once('close', () => resolve(''));
    lines.question(`${visible(question)} [y/N] `, resolve);
  });
  lines.close();
  if (!/^(y|yes)$/i.test(answer.trim())) {
    throw new KameError('CANCELLED', 'Nothing was changed.', { next: 'Answer y or use --yes to continue.' });
  }
}
