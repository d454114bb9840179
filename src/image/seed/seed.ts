import { KameError } from '../../core/errors.ts';
import { assetText } from '../../sys/assets.ts';
import { makeIso } from './iso9660.ts';

export interface SeedOptions {
  /** Constant for the life of a machine; a new one makes cloud-init run again. */
  readonly instanceId: string;
  readonly hostname: string;
  /** Login name of the account. */
  readonly user: string;
  /**
   * The default user of the image: if equal to `user`, it keeps the groups, shell and rights that the image gives it.
   */
  readonly imageUser?: string;
  /** Lines as in authorized_keys. */
  readonly sshKeys: readonly string[];
  /** Make the guest install and start qemu-guest-agent, over its network. */
  readonly installAgent: boolean;
  /** kame-tools for the guest, which it installs from the seed. */
  readonly tools?: { readonly arch: string; readonly program: Buffer } | undefined;
  /** cloud-init network configuration, version 1 or 2. */
  readonly networkConfig?: Readonly<Record<string, unknown>>;
}

/**
 * JSON that every YAML parser reads identically: escapes characters that YAML 1.1 forbids or folds but JSON allows.
 * Other letters and emoji stay as they are.
 */
export function yamlSafeJson(value: unknown): string {
  return JSON.stringify(value, undefined, 1).replace(
    /[\u007f-\u00a0\u2028\u2029\ufeff]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function wrong(what: string, value: string): KameError {
  return new KameError('INVALID_VALUE', `${JSON.stringify(value.slice(0, 100))} is not ${what}.`);
}

/** Refuses a user that no guest can have, before an image is downloaded for it. @throws KameError INVALID_VALUE */
export function checkSeedUser({
  user,
  sshKeys = [],
}: {
  readonly user?: string | undefined;
  readonly sshKeys?: readonly string[] | undefined;
}): void {
  if (user !== undefined && !/^[a-z_][a-z0-9_-]{0,31}$/u.test(user)) throw wrong('a valid user name', user);
  const badKey = sshKeys.find(
    (key) => key.length > 16_384 || !/^[a-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\p{Cc}]*)?$/u.test(key),
  );
  if (badKey !== undefined) throw wrong('a valid SSH public key', badKey);
}

function check(options: SeedOptions): void {
  const { hostname, instanceId } = options;
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/iu.test(hostname)) throw wrong('a valid host name', hostname);
  if (!/^[A-Za-z0-9._-]{1,100}$/u.test(instanceId)) throw wrong('a valid instance id', instanceId);
  checkSeedUser(options);
}

function userData(options: SeedOptions): object {
  const { user, imageUser, sshKeys, hostname } = options;
  const account =
    user === imageUser
      ? 'default'
      : { name: user, lock_passwd: true, sudo: 'ALL=(ALL) NOPASSWD:ALL', ssh_authorized_keys: sshKeys };
  return {
    hostname,
    preserve_hostname: false,
    users: [account],
    ssh_pwauth: false,
    ...(account === 'default' ? { ssh_authorized_keys: sshKeys } : {}),
    ...(options.installAgent ? { packages: ['qemu-guest-agent'] } : {}),
    runcmd: commands(options),
  };
}

/** What runs at the end of the guest's first boot. */
function commands({ installAgent, tools }: SeedOptions): (string | string[])[] {
  return [
    ...(tools ? [['sh', '-c', assetText('guest/seed/install-tools.sh'), 'sh', tools.arch]] : []),
    ...(installAgent ? [assetText('guest/seed/start-agent.sh')] : []),
  ];
}

/**
 * The files of a NoCloud seed, by name.
 * @throws KameError INVALID_VALUE for a name, id or key that is not valid
 */
export function seedFiles(options: SeedOptions): ReadonlyMap<string, string | Buffer> {
  check(options);
  const meta = { 'instance-id': options.instanceId, 'local-hostname': options.hostname };
  const files = new Map<string, string | Buffer>([
    ['user-data', `#cloud-config\n${yamlSafeJson(userData(options))}\n`],
    ['meta-data', `${yamlSafeJson(meta)}\n`],
  ]);
  if (options.networkConfig) files.set('network-config', `${yamlSafeJson(options.networkConfig)}\n`);
  if (options.tools) {
    files.set('kame-tools', options.tools.program);
    files.set('install-tools.sh', assetText('guest/install/tools.sh'));
  }
  return files;
}

/**
 * The seed as a CD image with the label that cloud-init looks for. `date` is the timestamp of its files.
 * @throws KameError INVALID_VALUE
 */
export function makeSeedIso(options: SeedOptions, date = new Date()): Buffer {
  const files = [...seedFiles(options)].map(([name, data]) => ({
    name,
    data: typeof data === 'string' ? Buffer.from(data, 'utf8') : data,
  }));
  return makeIso({ label: 'cidata', files, date });
}
