import type { NetworkDetails, NetworkForward, NetworkInfo } from '../../api/network.ts';
import type { Session } from '../session.ts';
import type { Cell } from '../table.ts';

export const networkText = 'name of a network';

const typeTexts = { nat: 'NAT', hostonly: 'host-only', private: 'private', bridged: 'bridged' } as const;

export function typeText({ type, interface: name }: Pick<NetworkInfo, 'type' | 'interface'>): string {
  if (type === null) return '-';
  return name === null ? typeTexts[type] : `${typeTexts[type]} (${name})`;
}

/** Where a forward leads. */
export function targetText({ machine, machineId, address, guestPort }: NetworkForward): string {
  if (machineId === null) return `${address}:${guestPort}`;
  return machine === null ? `(no machine ${machineId}):${guestPort}` : `${machine}:${guestPort}`;
}

export function forwardRow(forward: NetworkForward, session: Session): (Cell | string)[] {
  const { transport, bind, hostPort, state, reason, automatic, description } = forward;
  const colour = state === 'listening' ? 'green' : state === 'failed' ? 'red' : 'dim';
  return [
    transport,
    `${bind}:${hostPort}`,
    targetText(forward),
    { text: state, paint: session.paint(colour) },
    reason ?? (automatic ? 'for kame ssh' : description),
  ];
}

export const forwardHead = ['PROTOCOL', 'HOST', 'GUEST', 'STATE', 'NOTE'];

/** Prints a network after it was created or changed. */
export function printDetails(session: Session, details: NetworkDetails, what: string): void {
  if (session.json) session.printJson(details);
  else
    session.print(
      `${details.name} was ${what}: ${typeText(details)}${details.subnet === null ? '' : `, ${details.subnet}`}`,
    );
}
