import { KameError } from '../../core/errors.ts';

/** QEMU's refusal of a command. `errorClass` is QMP's: GenericError, CommandNotFound, DeviceNotFound, … */
export class QmpError extends KameError {
  readonly command: string;
  readonly errorClass: string;
  /** QEMU's own sentence. */
  readonly description: string;

  constructor(command: string, errorClass: string, description: string) {
    super('ENGINE_FAILED', `QEMU refused ${command}: ${description}`, {
      details: { command, errorClass, description },
    });
    this.command = command;
    this.errorClass = errorClass;
    this.description = description;
  }
}

/** Gives an error the stack of the call that it belongs to, instead of the one of the reader of replies. */
export function withStackOf<E extends Error>(error: E, born: { stack?: string }): E {
  const frames = (born.stack ?? '').split('\n').slice(1).join('\n');
  error.stack = `${error.name}: ${error.message}\n${frames}`;
  return error;
}
