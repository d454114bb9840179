import { KameError, messageOf } from '../../core/errors.ts';
import type { GuestAgent } from '../agent/agent.ts';
import { isRefusal } from './clock.ts';
import type { HostKey } from './host-keys.ts';
import { keysScript, keyStepNames } from './keys-script.ts';
import { identityDeadlineMs, type ChangedNames, type IdentityLimits, type NameValues } from './names.ts';
import { allSteps, maxReportBytes, readSteps, type IdentityStep } from './report.ts';
import { identityScript, identityStepNames } from './script.ts';

/** What of the agent is needed. */
export type ScriptAgent = Pick<GuestAgent, 'osInfo' | 'exec'>;

/** From the request to the first step of the script, in milliseconds. What is missing is set after it. */
const scriptLeadMs = 60;

/** The guest's OS as its agent calls it; empty when it does not tell. */
async function osId(agent: ScriptAgent, options: { signal?: AbortSignal }): Promise<string> {
  try {
    return (await agent.osInfo(options)).id ?? '';
  } catch (error) {
    if (isRefusal(error)) return '';
    throw error;
  }
}

/**
 * Runs a script in the guest; its steps, all failed where the guest runs no scripts.
 */
async function runScript(
  agent: ScriptAgent,
  input: string,
  names: readonly string[],
  { signal, onText }: IdentityLimits,
): Promise<IdentityStep[]> {
  let text = '';
  const onStdout = (chunk: Buffer): void => {
    text += chunk.toString('latin1');
    if (text.length > maxReportBytes)
      throw new KameError('GUEST_FAILED', `The script in the guest wrote more than ${maxReportBytes} bytes.`);
    onText?.(text);
  };
  const options = { path: '/bin/sh', input, timeoutMs: identityDeadlineMs, onStdout };
  try {
    await agent.exec({ ...options, ...(signal ? { signal } : {}) });
    return readSteps(text, names);
  } catch (error) {
    const late = error instanceof KameError && error.code === 'GUEST_TIMEOUT';
    if (late || isRefusal(error)) return allSteps(names, 'failed', messageOf(error));
    throw error;
  }
}

/**
 * Gives the guest new names by a script that its agent runs. Windows keeps its own.
 * @throws KameError GUEST_AGENT_MISSING, CANCELLED
 */
export async function namesByScript(
  agent: ScriptAgent,
  { setsClock, leaseWithin: _, ...values }: NameValues,
  limits: IdentityLimits,
): Promise<ChangedNames> {
  const names = identityStepNames(values.cards.length);
  const now = setsClock ? Date.now() + scriptLeadMs : null;
  if ((await osId(agent, limits.signal ? { signal: limits.signal } : {})) === 'mswindows')
    return { steps: allSteps(names, 'skipped', 'Windows keeps its identity'), clockIsRight: false };
  const steps = await runScript(agent, identityScript({ ...values, now }), names, limits);
  return { steps, clockIsRight: false };
}

/** Gives the guest new SSH host keys by a script that its agent runs. @throws KameError GUEST_AGENT_MISSING, CANCELLED */
export async function keysByScript(
  agent: ScriptAgent,
  keys: readonly HostKey[],
  limits: IdentityLimits,
): Promise<readonly IdentityStep[]> {
  return await runScript(agent, keysScript(keys), keyStepNames(keys), limits);
}
