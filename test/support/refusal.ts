import { expect } from 'vitest';
import type { CommandResult } from './home.ts';

/** What a command gives that is refused with an exit code and a message, and prints nothing else. */
export function refusal(code: number, message: RegExp | string): CommandResult {
  const pattern =
    typeof message === 'string' ? message.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`) : message;
  return { code, stdout: '', stderr: expect.stringMatching(pattern) as string };
}
