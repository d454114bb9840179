import { KameError } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import type { AgentFrame } from './frames.ts';
import { cleanText, isObject, type GuestObject } from './reply.ts';

// Interprets the frames that the guest agent sends.

/** The error for an `error` reply. Classes as in qapi/error.json of QEMU. */
export function refusal(command: string, error: unknown): KameError {
  const { class: kind, desc } = isObject(error) ? error : {};
  const words = typeof desc === 'string' ? cleanText(desc) : 'no reason given';
  if (kind === 'CommandNotFound' || kind === 'CommandDisabled') {
    const why = /disabled|not allowed|blocked/i.test(words) ? 'the command is disabled' : 'it is too old';
    return new KameError(
      'GUEST_AGENT_MISSING',
      `The guest agent does not support ${command}: ${why} (${words}).`,
      {
        next: 'Update qemu-guest-agent in the guest, or allow the command in its configuration.',
        details: { command },
      },
    );
  }
  return new KameError('GUEST_FAILED', `The guest agent rejected ${command}: ${words}`, {
    details: { command },
  });
}

/** More than the longest list of network interfaces has; every other reply has a few values. */
const limits = { maxDepth: 16, maxValues: 20_000 };

function parsed(text: string): GuestObject | undefined {
  try {
    const value = parseJson(text, limits);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The `return` value of a line; undefined if the line is not a reply. */
export function returned(text: string): unknown {
  return parsed(text)?.['return'];
}

/**
 * The reply to a command.
 * @throws KameError GUEST_FAILED if it is too long or malformed
 */
export function replyOf(command: string, frame: AgentFrame | undefined, maxBytes: number): GuestObject {
  if (frame?.kind === 'overflow') {
    throw new KameError(
      'GUEST_FAILED',
      `The reply of the guest agent to ${command} exceeds ${maxBytes} bytes.`,
    );
  }
  const value = frame?.kind === 'line' ? parsed(frame.text) : undefined;
  if (value === undefined || !('return' in value || 'error' in value)) {
    throw new KameError('GUEST_FAILED', `The reply of the guest agent to ${command} is malformed.`);
  }
  return value;
}
