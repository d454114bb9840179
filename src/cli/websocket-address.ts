import { routes } from '../api/generated/routes.ts';
import { pathOf } from '../api/route.ts';
import type { Session } from './session.ts';

/** Prints as JSON where a program can connect itself to a WebSocket of a machine. */
export async function printSocket(
  session: Session,
  name: string,
  route: 'machines.console' | 'machines.exec',
): Promise<void> {
  const machine = await session.client.machines.show(session.machine(name));
  const { socket } = session.client;
  session.printJson({ name: machine.name, socket, path: pathOf(routes[route], { machine: machine.name }) });
}
