import type { CheckedPassword, CheckGuestPassword } from '../../api/guest-user-operations.ts';
import { KameError } from '../../core/errors.ts';
import { assetText } from '../../sys/assets.ts';
import { execute } from '../guest/exec.ts';
import type { Host } from '../host/host.ts';

const checkMs = 60_000;
const maxAnswer = 1024;

/**
 * Whether a password is that of a user of a guest. A program in the guest says so, since only it knows how passwords are stored.
 * @throws KameError WRONG_STATE, GUEST_AGENT_MISSING, GUEST_FAILED also when no program in the guest can tell, GUEST_TIMEOUT,
 * CANCELLED
 */
export async function checkPassword(
  host: Host,
  reference: string,
  user: string,
  { password }: CheckGuestPassword,
  signal: AbortSignal,
): Promise<CheckedPassword> {
  let answer = '';
  const command = ['/bin/sh', '-c', assetText('guest/agent/check-password.sh'), 'sh', user];
  await execute(
    host,
    reference,
    { command, stdin: true, timeoutMs: checkMs },
    {
      stdin: lineOf(password),
      signal,
      onOutput: async (stream, chunk) => {
        if (stream === 'stdout') answer = (answer + chunk.toString('latin1')).slice(0, maxAnswer);
        return await Promise.resolve();
      },
    },
  );
  if (answer === 'valid\n') return { valid: true };
  if (answer === 'invalid\n') return { valid: false };
  throw new KameError('GUEST_FAILED', 'No program in the guest can check a password.', {
    next: 'Install PAM’s unix_chkpwd, Perl or busybox with mkpasswd in the guest.',
    details: { machine: reference, reason: 'unable' },
  });
}

// oxlint-disable-next-line require-await -- an iterable that is ready at once
async function* lineOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(`${text}\n`, 'utf8');
}
