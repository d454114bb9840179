import { shellScript } from './shell.ts';

export interface Card {
  /** MAC addresses in lower case with colons. */
  readonly old: string;
  readonly new: string;
}

export interface IdentityValues {
  readonly hostName: string;
  /** 32 hexadecimal digits. */
  readonly machineId: string;
  readonly cards: readonly Card[];
  /** Random text from the host. */
  readonly seed: string;
  /** The time that it will be when the script runs, in milliseconds since 1970; null leaves the clock as it is. */
  readonly now: number | null;
  /** In front of all paths; only tests give it. */
  readonly root?: string;
}

/** The last half of the IPv6 addresses that a kernel makes of a MAC address (RFC 4291, appendix A), without colons. */
export function interfaceId(mac: string): string {
  const bytes = Buffer.from(mac.replaceAll(':', ''), 'hex');
  const first = Buffer.from([(bytes[0] ?? 0) ^ 0x02]);
  return Buffer.concat([first, bytes.subarray(1, 3), Buffer.from('fffe', 'hex'), bytes.subarray(3)]).toString(
    'hex',
  );
}

/** Names of the steps, in the order of the script's lines. */
export function identityStepNames(cards: number): string[] {
  const macs = Array.from({ length: cards }, (_, index) => `mac-${index}`);
  const names = ['clock', 'random', 'reseed', 'hostname', 'hosts', 'machine-id', 'dbus-machine-id'];
  return ['host-keys', ...names, ...macs, 'network-files', 'lease'];
}

/** The script of all but the SSH host keys, whose kinds it tells. */
export function identityScript(values: IdentityValues): string {
  const cards = values.cards.map((card) =>
    [card.old, card.new, interfaceId(card.old), interfaceId(card.new)].join(' '),
  );
  const variables = {
    name: values.hostName,
    machine_id: values.machineId,
    cards: cards.join(' '),
    seed: values.seed,
    now: values.now === null ? '' : (values.now / 1000).toFixed(3),
  };
  return shellScript(variables, ['network.sh', 'names.sh'], values.root);
}
