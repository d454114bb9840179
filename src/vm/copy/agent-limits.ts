import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { formatSize } from '../../core/units.ts';
import type { Running } from '../host/running.ts';

/** The most that is copied through the guest agent, in bytes: that takes it some two minutes. */
export const mostByAgent = 256 * 1024 * 1024;
/** Milliseconds for each message of the agent. */
export const messageMs = 30_000;
const limitText = formatSize(mostByAgent);

/** What the guest can do beside reading files. */
export interface AgentAbilities {
  /** Whether it runs programs of Unix, such as a shell. */
  readonly runsScripts: boolean;
  readonly writesFiles: boolean;
}

/** @throws KameError GUEST_AGENT_MISSING, GUEST_TIMEOUT, CANCELLED */
export async function abilitiesOf({ channels }: Running, progress: Progress): Promise<AgentAbilities> {
  const options = { deadlineMs: messageMs, ...progress };
  const has = async (...names: string[]) => await channels.agent.supports(names, options);
  const writesFiles = await has('guest-file-write', 'guest-file-flush');
  if (!(await has('guest-exec', 'guest-exec-status'))) return { runsScripts: false, writesFiles };
  const isWindows =
    (await has('guest-get-osinfo')) && (await channels.agent.osInfo(options)).id === 'mswindows';
  return { runsScripts: !isWindows, writesFiles };
}

/** Says that a copy is slow, and what its limit is. */
export function announceSlow({ report }: Pick<Progress, 'report'>): void {
  report({ stage: `Copying through the guest agent, which is slow and takes at most ${limitText}` });
}

/** @throws KameError INVALID_VALUE */
export function refuseTooMuch(bytes: number, { name }: Running): void {
  if (bytes <= mostByAgent) return;
  throw new KameError(
    'INVALID_VALUE',
    `Through the guest agent of ${name}, at most ${limitText} are copied.`,
    {
      next: 'Copy less at a time, or use a shared folder.',
      details: { machine: name },
    },
  );
}

/** The error for what only programs in the guest could do. @param what such as `A directory` */
export function needsPrograms(what: string, { name }: Running): KameError {
  return new KameError(
    'GUEST_AGENT_MISSING',
    `${what} cannot be copied: the agent of ${name} runs no programs.`,
    {
      next: `Allow guest-exec in its configuration and have a shell and tar in the guest, or copy single files by their full paths: through the guest agent alone, they lose their permissions and times, and have at most ${limitText}.`,
      details: { machine: name },
    },
  );
}

/** Whether a path begins at a root, as of Unix or of Windows. */
export function isFullPath(path: string): boolean {
  return /^(?:\/|[A-Za-z]:[\\/]|\\\\)/u.test(path);
}
