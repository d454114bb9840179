import type { GuestAgent } from '../../src/guest/agent/agent.ts';
import type { ExecOptions, ExecResult } from '../../src/guest/agent/exec.ts';

export interface CapturedExec extends ExecResult {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** Runs a command in the guest and keeps all that it writes. */
export async function execCapture(
  agent: Pick<GuestAgent, 'exec'>,
  options: Omit<ExecOptions, 'onStdout' | 'onStderr'>,
): Promise<CapturedExec> {
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  const result = await agent.exec({
    ...options,
    onStdout: (chunk) => void stdout.push(chunk),
    onStderr: (chunk) => void stderr.push(chunk),
  });
  return { ...result, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
}
