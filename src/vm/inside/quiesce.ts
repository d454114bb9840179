import type { Quiesced, QuiesceHook } from '../../api/guest-user-operations.ts';
import { Deadline } from '../../core/deadline.ts';
import type { Progress } from '../../core/progress.ts';
import { refuseWithoutAgent } from '../guest/tools-state.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';

/** Where the hooks of the agent, as QEMU and the distributions ship them, write what they say. */
const hookLog = '/var/log/qga-fsfreeze-hook.log';
const maxLogBytes = 64 * 1024;
const maxHooks = 100;
const maxOutput = 4000;
/** Milliseconds for freezing and thawing, with all hooks. */
const quiesceMs = 120_000;
const logMs = 10_000;

const beginning = /: execute (.{1,500}) (freeze|thaw)$/u;
const ending = /: (.{1,500}) finished with status=(\d{1,3})$/u;

/** Reads what the hooks wrote: for each a line when it begins, what it says, and a line with its exit status. */
export function readHookLog(text: string): QuiesceHook[] {
  const hooks: QuiesceHook[] = [];
  let open: { name: string; action: 'freeze' | 'thaw'; output: string } | undefined;
  const close = (status: number | null) => {
    if (open && hooks.length < maxHooks) hooks.push({ ...open, output: open.output.trim(), status });
    open = undefined;
  };
  for (const line of text.split('\n')) {
    const [, begun, action] = beginning.exec(line) ?? [];
    const [, ended, status] = ending.exec(line) ?? [];
    if (begun !== undefined) {
      close(null);
      open = { name: begun, action: action === 'thaw' ? 'thaw' : 'freeze', output: '' };
    } else if (ended !== undefined && ended === open?.name) close(Number(status));
    else if (open) open.output = `${open.output}${line}\n`.slice(0, maxOutput);
  }
  close(null);
  return hooks;
}

/**
 * Freezes and thaws the file systems of a guest as a snapshot does, and tells what the hooks of its agent said. The guest is
 * thawed even if the daemon is killed meanwhile: it has got both commands at once.
 * @throws KameError WRONG_STATE, BUSY, GUEST_AGENT_MISSING, GUEST_FAILED when it cannot be frozen, GUEST_TIMEOUT, CANCELLED
 */
export async function quiesce(host: Host, reference: string, progress: Progress): Promise<Quiesced> {
  const request = { verb: 'quiesce', needs: 'running' } as const;
  return await hold(host, reference, request, async ({ machine }) => {
    refuseWithoutAgent(machine);
    const { agent } = machine.channels;
    const deadline = new Deadline(quiesceMs, progress);
    const log = async (from: number, maxBytes: number) =>
      await agent.readTail(hookLog, { ...deadline.step(logMs), from, maxBytes });
    progress.report({ stage: 'Freezing the file systems of the guest' });
    const before = await log(0, 0);
    const { count, frozenMs } = await agent.freezeAndThaw(deadline.step(quiesceMs));
    const after = await log(before?.size ?? 0, maxLogBytes);
    return {
      fileSystems: count,
      frozenMs: Math.round(frozenMs * 10) / 10,
      hooks: after ? readHookLog(after.bytes.toString('utf8')) : null,
    };
  });
}
