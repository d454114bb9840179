import type { Operation } from '../../src/api/operation.ts';
import { operations } from '../../src/api/operations.ts';
import { parametersOf, pathOf } from '../../src/api/route.ts';
import type { RemoteWorld } from './remote-world.ts';

/** All operations, by name. */
export const all = Object.entries<Operation>(operations);
const known: Readonly<Record<string, string>> = {
  machine: 'demo',
  task: '5a0f2c9e-6d0b-4d0e-9d0a-3f5f0e6f7a10',
  nic: '0',
  transport: 'tcp',
  port: '8080',
};
/** The address of an operation, for the machine `demo`. */
export const addressOf = (operation: Operation, machine = 'demo') =>
  pathOf(operation, {
    ...Object.fromEntries(parametersOf(operation.path).map((name) => [name, known[name] ?? 'x'])),
    machine,
  });

/** The id of a machine, as a session sees it. */
export const idOf = async (cookie: string, remote: RemoteWorld, name: string) => {
  const { text } = await remote.ask(`/v1/machines/${name}`, { headers: { cookie } });
  return (JSON.parse(text) as { id: string }).id;
};

/** Asks for an operation with its example. @returns the status */
export async function ask(remote: RemoteWorld, cookie: string, operation: Operation, machine?: string) {
  const path = addressOf(operation, machine);
  if (operation.kind === 'websocket') {
    const opened = await remote.connect(cookie, path);
    if (typeof opened === 'number') return opened;
    opened.terminate();
    return 101;
  }
  const query = new URLSearchParams(operation.example?.query).toString();
  const reply = await remote.change(
    operation.method,
    query === '' ? path : `${path}?${query}`,
    cookie,
    operation.body && operation.example?.body,
  );
  return reply.status;
}
