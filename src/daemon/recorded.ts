import type { Operation } from '../api/operation.ts';
import { resultOf, type AuditLog } from './access/audit.ts';
import type { Principal } from './access/principal.ts';

/** What an entry of the audit log tells of a request. */
export interface Asked {
  readonly principal: Principal;
  readonly name: string;
  readonly operation: Operation;
  readonly machine: string | null;
}

/** Whether an operation is written down when it succeeds: one that may change something, or opens a connection to a guest. */
function isWorthIt({ method, kind }: Operation): boolean {
  return method !== 'GET' || kind === 'websocket';
}

export function record(audit: AuditLog, { principal, name, machine }: Asked, result: string): void {
  audit.record({ user: principal.user, from: principal.from, operation: name, machine, result });
}

/** Writes down what is refused. @throws what `check` throws */
export async function recordRefusal<T>(audit: AuditLog, asked: Asked, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    record(audit, asked, resultOf(error));
    throw error;
  }
}

/** Does what was asked for, and writes down how it ended. @throws what `work` throws */
export async function recorded<T>(audit: AuditLog, asked: Asked, work: () => T | Promise<T>): Promise<T> {
  if (!isWorthIt(asked.operation)) return await work();
  const result = await recordRefusal(audit, asked, async () => await work());
  record(audit, asked, 'ok');
  return result;
}
