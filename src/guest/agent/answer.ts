import { KameError } from '../../core/errors.ts';
import type { AgentFrame } from './frames.ts';
import { cleanText, isObject, type GuestObject } from './reply.ts';

// What a frame that the guest agent sent says.

/** What an `error` answer means. Classes as in QEMU's qapi/error.json. */
export function refusal(command: string, error: unknown): KameError {
  const { class: kind, desc } = isObject(error) ? error : {};
  const words = typeof desc === 'string' ? cleanText(desc) : 'no reason given';
  if (kind === 'CommandNotFound' || kind === 'CommandDisabled') {
    const why = /disabled|not allowed|blocked/i.test(words) ? 'has it switched off' : 'is too old for it';
    return new KameError(
      'GUEST_AGENT_MISSING',
      `The guest agent does not take ${command}: it ${why} (${words}).`,
      {
        next: 'Update qemu-guest-agent in the guest, or allow the command in its configuration.',
        details: { command },
      },
    );
  }
  return new KameError('GUEST_FAILED', `The guest agent refused ${command}: ${words}`, {
    details: { command },
  });
}

function parsed(text: string): GuestObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The `return` of a line, whatever it is; undefined for what is no answer. */
export function returned(text: string): unknown {
  return parsed(text)?.['return'];
}

/**
 * The answer to a command.
 * @throws KameError GUEST_FAILED for what is too long, or no answer
 */
export function replyOf(command: string, frame: AgentFrame | undefined, maxReplyBytes: number): GuestObject {
  if (frame?.kind === 'overflow') {
    throw new KameError(
      'GUEST_FAILED',
      `The guest agent answered ${command} with more than ${maxReplyBytes} bytes.`,
    );
  }
  const value = frame?.kind === 'line' ? parsed(frame.text) : undefined;
  if (value === undefined || !('return' in value || 'error' in value)) {
    throw new KameError(
      'GUEST_FAILED',
      `The guest agent answered ${command} with something that is no answer.`,
    );
  }
  return value;
}
