import { KameError } from '../../core/errors.ts';
import { firstOrdinaryPort, placeText, type Place } from '../../model/network-forward.ts';
import { portOwner } from '../../sys/port-owner.ts';
import { whyNotListening } from '../../sys/port-probe.ts';

function needsRight({ hostPort }: Place): KameError {
  const linux = `sudo sysctl net.ipv4.ip_unprivileged_port_start=${hostPort}`;
  return new KameError(
    'HOST_PROBLEM',
    `This host does not permit you to listen on port ${hostPort}, which is below ${firstOrdinaryPort}.`,
    {
      next: `Choose a port from ${firstOrdinaryPort} on${process.platform === 'linux' ? `, or permit it to all users with \`${linux}\`` : ''}.`,
      details: { port: hostPort },
    },
  );
}

async function taken(place: Place): Promise<KameError> {
  const owner = await portOwner(place);
  const who = owner ? `${owner.program} (process ${owner.pid})` : 'another program';
  return new KameError('PORT_IN_USE', `Cannot listen on ${placeText(place)}: ${who} does.`, {
    details: { port: place.hostPort, ...(owner ? { program: owner.program, pid: owner.pid } : {}) },
  });
}

/**
 * Refuses a place at which nothing of ours could listen now.
 * @throws KameError PORT_IN_USE naming the program that has the port, if that can be found out; HOST_PROBLEM without the right;
 * INVALID_VALUE if the address is not one of this host
 */
export async function refuseTakenPort(place: Place): Promise<void> {
  const reason = await whyNotListening(place);
  if (reason === undefined) return;
  if (reason === 'EADDRINUSE') throw await taken(place);
  if (reason === 'EACCES' || reason === 'EPERM') throw needsRight(place);
  if (reason === 'EADDRNOTAVAIL') {
    throw new KameError('INVALID_VALUE', `${place.bind} is not an address of this host.`, {
      next: 'Use 127.0.0.1 for this host only, 0.0.0.0 for all its addresses, or one of them.',
      details: { bind: place.bind },
    });
  }
  throw new KameError('HOST_PROBLEM', `This host cannot listen on ${placeText(place)}: ${reason}.`);
}
