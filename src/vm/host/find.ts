import { realpath } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { KameError } from '../../core/errors.ts';
import { suggest } from '../../core/suggest.ts';
import { plainName } from '../../model/name.ts';
import { uuidFromVmx } from '../../model/uuid.ts';
import type { Bundle } from '../../store/bundle.ts';
import { isBundle, type MachineNames } from '../../store/names.ts';
import type { Host } from './host.ts';
import { namesApart } from './names-apart.ts';

/** What listing the machines needs of a host. */
type ListHost = Pick<Host, 'inventory' | 'bundles'>;

export interface ReadableBundles {
  readonly bundles: Bundle[];
  /** Why parts of the list cannot be read; empty if these are all machines. */
  readonly unread: readonly KameError[];
}

/** All machines of the inventory, including broken ones, sorted by name. @throws KameError FILE_ACCESS if some may be missing */
export async function allBundles(host: ListHost): Promise<Bundle[]> {
  const { bundles, unread } = await readableBundles(host);
  if (unread[0]) throw unread[0];
  return bundles;
}

/** As `allBundles`, even if some may be missing. */
export async function readableBundles(host: ListHost): Promise<ReadableBundles> {
  const { paths, unread } = await host.inventory.readable();
  host.bundles.keepOnly(paths);
  const written = await Promise.all(paths.map(async (path) => await host.bundles.readAsWritten(path)));
  const names = namesApart(written);
  host.bundles.nameApart(names);
  const bundles = written.map((bundle) => {
    const name = names.get(bundle.names.vmx);
    return name === undefined ? bundle : { ...bundle, name };
  });
  return { bundles: bundles.sort((a, b) => a.name.localeCompare(b.name, 'en')), unread };
}

/** The paths that a reference may mean: its own, for a broken machine whose `.vmx` is a link, and the real one. */
async function pathsOf(reference: string): Promise<string[]> {
  if (!isAbsolute(reference)) return [];
  return [resolve(reference), await realpath(reference).catch(() => reference)];
}

/**
 * Finds a machine by name, id, or path of its `.vmx` or its bundle. Ids are found in capitals, with or without dashes.
 * @throws KameError NO_SUCH_MACHINE with a suggestion, USAGE when several machines have that name, FILE_ACCESS if it may be in
 * a part of the list that cannot be read
 */
export async function findBundle(host: Host, reference: string): Promise<Bundle> {
  const { bundles, unread } = await readableBundles(host);
  const paths = await pathsOf(reference);
  const name = plainName(reference);
  const id = uuidFromVmx(reference);
  const isAt = ({ vmx, directory }: MachineNames) =>
    paths.includes(vmx) || (isBundle(directory) && paths.includes(directory));
  const found = bundles.filter(
    ({ name: own, content, names }) =>
      plainName(own) === name || (id !== undefined && content?.model.uuid === id) || isAt(names),
  );
  const [first] = found;
  if (found.length > 1) {
    throw new KameError('USAGE', `${reference} could mean ${found.length} machines.`, {
      next: `Use the path of one of them: ${found.map((bundle) => bundle.names.vmx).join(', ')}`,
    });
  }
  if (first) return first;
  if (unread[0]) throw unread[0];
  const meant = suggest(
    reference,
    bundles.map((bundle) => bundle.name),
  );
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  throw new KameError('NO_SUCH_MACHINE', `There is no machine ${reference}.${hint}`, {
    details: { machine: reference },
  });
}

/** The ALREADY_EXISTS of a name that a machine has; undefined if none has it. */
export async function takenNameError(host: Host, name: string): Promise<KameError | undefined> {
  const other = (await allBundles(host)).find((bundle) => plainName(bundle.name) === plainName(name));
  return (
    other &&
    new KameError('ALREADY_EXISTS', `A machine named ${name} already exists: ${other.names.vmx}`, {
      next: 'Choose another name, or rename or delete that machine.',
      details: { machine: name, path: other.names.vmx },
    })
  );
}

/** @throws KameError ALREADY_EXISTS when a machine has that name */
export async function refuseTakenName(host: Host, name: string): Promise<void> {
  const taken = await takenNameError(host, name);
  if (taken) throw taken;
}
