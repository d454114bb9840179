import type { ExecRequest } from '../api/generated/shapes.ts';
import { KameError } from '../core/errors.ts';
import { runInGuest } from './guest-command.ts';
import type { Session } from './session.ts';
import { writeAll } from './write-all.ts';

/** The most output that `--json` keeps, in bytes. */
const maxKept = 64 * 1024 * 1024;

class Kept {
  readonly #chunks = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  #size = 0;

  add(stream: 'stdout' | 'stderr', data: Uint8Array): void {
    this.#size += data.length;
    if (this.#size > maxKept) {
      throw new KameError('USAGE', `The command wrote more than ${maxKept} bytes.`, {
        next: 'Run it without --json, which streams the output.',
      });
    }
    this.#chunks[stream].push(data);
  }

  text(stream: 'stdout' | 'stderr'): string {
    return Buffer.concat(this.#chunks[stream]).toString('utf8');
  }
}

/** Runs a command in the guest, and streams its output, or prints all of it as JSON after the end. */
export async function execute(session: Session, name: string, request: ExecRequest): Promise<void> {
  const { stdout, stderr } = session.context;
  const kept = new Kept();
  const end = await runInGuest(session, name, request, async (stream, data) => {
    if (session.json) kept.add(stream, data);
    else await writeAll(stream === 'stdout' ? stdout : stderr, data);
  });
  if (session.json) session.printJson({ ...end, stdout: kept.text('stdout'), stderr: kept.text('stderr') });
}
