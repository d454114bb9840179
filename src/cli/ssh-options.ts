import type { SshTarget } from '../api/network.ts';

/** A value in a configuration of ssh: in double quotes, and with percent signs that are no tokens (ssh_config(5)). */
function quoted(path: string): string {
  return `"${path.replaceAll(/["\\]/g, '\\$&').replaceAll('%', '%%')}"`;
}

/** The options of ssh for a guest, by their names in ssh_config(5). */
export function sshOptions({ alias, knownHosts }: SshTarget): [name: string, value: string][] {
  return [
    ['HostKeyAlias', alias],
    ['UserKnownHostsFile', quoted(knownHosts)],
    // The port is one of this host: nobody is in between when the key is seen for the first time.
    ['StrictHostKeyChecking', 'accept-new'],
  ];
}

/** The arguments of ssh. Options after the host would be for ssh too, hence the `--`. */
export function sshArguments(target: SshTarget, command: readonly string[]): string[] {
  const { host, port, user } = target;
  return [
    ...sshOptions(target).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ...['-p', String(port)],
    ...(user === null ? [] : ['-l', user]),
    ...['--', host, ...command],
  ];
}

/** A block for ~/.ssh/config. */
export function sshBlock(target: SshTarget): string {
  const { alias, host, port, user } = target;
  const lines: [string, string][] = [
    ['HostName', host],
    ['Port', String(port)],
    ...(user === null ? [] : [['User', user] as [string, string]]),
    ...sshOptions(target),
  ];
  return [`Host ${alias}`, ...lines.map(([name, value]) => `  ${name} ${value}`)].join('\n');
}
