import { KameError } from '../../src/core/errors.ts';

/** Of a daemon in a test without a web desktop. */
export async function noWeb(): Promise<never> {
  return await Promise.reject(new KameError('HOST_PROBLEM', 'This daemon has no web desktop.'));
}
