/** The arguments of an engine, as far as a fake one reads them. */
export interface EngineArguments {
  readonly name: string;
  /** The directory of its sockets. */
  readonly run: string;
  readonly serialLog: string;
  /** Every `-blockdev`, in order. */
  readonly blockdevs: readonly Readonly<Record<string, unknown>>[];
  /** Every `-device` that is given as JSON. */
  readonly devices: readonly Readonly<Record<string, unknown>>[];
  /** Every `-netdev` that is given as JSON. */
  readonly netdevs: readonly Readonly<Record<string, unknown>>[];
  /** The file that holds the guest's RAM; null when it is memory of the engine. */
  readonly ram: { readonly path: string; readonly size: number; readonly share: boolean } | null;
  /** Waits for a state: `-incoming defer`. */
  readonly incoming: boolean;
  /** `-action reboot=shutdown`. */
  readonly resetEnds: boolean;
  readonly all: readonly string[];
}

/** The values of an option, in order. */
function valuesOf(all: readonly string[], option: string): string[] {
  return all.flatMap((word, at) => (all[at - 1] === option ? [word] : []));
}

function objectsOf(all: readonly string[], option: string): Record<string, unknown>[] {
  return valuesOf(all, option)
    .filter((value) => value.startsWith('{'))
    .map((value) => JSON.parse(value) as Record<string, unknown>);
}

/** `key=value,…` of QEMU's options; a comma within a value is written twice. */
function partsOf(value: string): Map<string, string> {
  const parts = value.replaceAll(',,', '\u0000').split(',');
  return new Map(
    parts.map((part) => {
      const at = part.indexOf('=');
      return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1).replaceAll('\u0000', ',')];
    }),
  );
}

export function readEngineArguments(all: readonly string[]): EngineArguments {
  const pidFile = valuesOf(all, '-pidfile')[0] ?? '';
  const serial = valuesOf(all, '-chardev').map(partsOf);
  const memory = objectsOf(all, '-object').find((object) => object['mem-path'] !== undefined);
  return {
    name: partsOf(valuesOf(all, '-name')[0] ?? '').get('guest') ?? '',
    run: pidFile.slice(0, pidFile.lastIndexOf('/')),
    serialLog: serial.find((parts) => parts.get('id') === 'serial0')?.get('logfile') ?? '',
    blockdevs: objectsOf(all, '-blockdev'),
    devices: objectsOf(all, '-device'),
    netdevs: objectsOf(all, '-netdev'),
    ram: memory
      ? {
          path: String(memory['mem-path']),
          size: Number(memory['size']),
          share: memory['share'] === true,
        }
      : null,
    incoming: valuesOf(all, '-incoming').includes('defer'),
    resetEnds: valuesOf(all, '-action').includes('reboot=shutdown'),
    all,
  };
}
