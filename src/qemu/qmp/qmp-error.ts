import { KameError } from '../../core/errors.ts';

/** A command that QEMU rejected. `errorClass` is that of QMP: GenericError, CommandNotFound, DeviceNotFound, … */
export class QmpError extends KameError {
  readonly command: string;
  readonly errorClass: string;
  /** The message from QEMU. */
  readonly description: string;

  constructor(command: string, errorClass: string, description: string) {
    super('ENGINE_FAILED', `QEMU rejected ${command}: ${description}`, {
      details: { command, errorClass, description },
    });
    this.command = command;
    this.errorClass = errorClass;
    this.description = description;
  }
}

/** Gives an error the stack of the call it belongs to, instead of that of the function that read the reply. */
export function withStackOf<E extends Error>(error: E, born: { stack?: string }): E {
  const frames = (born.stack ?? '').split('\n').slice(1).join('\n');
  error.stack = `${error.name}: ${error.message}\n${frames}`;
  return error;
}
