import type { MovedOrCopied } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import { nilUuid } from '../../model/uuid.ts';
import { applyModel } from '../../model/write.ts';
import { contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { edit, getText } from '../../vmx/document.ts';
import { allBundles } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { locationAt, placementOf } from '../host/location.ts';
import { ensureUuid } from './ensure-uuid.ts';
import { withNewIdentity } from './new-identity.ts';

/** Other machines of the list with the same UUID. */
async function twinsOf(host: Host, bundle: Bundle): Promise<Bundle[]> {
  const { uuid } = contentOf(bundle).model;
  return (await allBundles(host)).filter(
    ({ names, content }) => names.vmx !== bundle.names.vmx && content?.model.uuid === uuid,
  );
}

function question(bundle: Bundle, twin: Bundle): KameError {
  const { name, names } = bundle;
  return new KameError(
    'MOVED_OR_COPIED',
    `${names.vmx} and ${twin.names.vmx} have the same UUID: one is a copy.`,
    {
      next: `If you copied ${name}, use --copied with kame start or kame register: it gets a UUID and MAC addresses of its own. If it is the original or you moved it, use --moved.`,
      details: { machine: name, path: names.vmx, other: twin.names.vmx },
    },
  );
}

/**
 * Whether a machine is a copy: `uuid.action` says so for good, as in VMware; otherwise a person must, if another machine has
 * the same UUID.
 * @throws KameError MOVED_OR_COPIED when nobody says which of the two is the copy
 */
export async function decideIdentity(host: Host, bundle: Bundle): Promise<MovedOrCopied> {
  if (placementOf(bundle) === 'here' || contentOf(bundle).model.uuid === nilUuid) return 'moved';
  const action = getText(contentOf(bundle).document, 'uuid.action')?.toLowerCase();
  const [twin] = action === 'keep' ? [] : await twinsOf(host, bundle);
  if (action === 'create' && (twin !== undefined || placementOf(bundle) === 'elsewhere')) return 'copied';
  if (twin) throw question(bundle, twin);
  return 'moved';
}

/** Records the place of a machine. */
async function place(host: Host, bundle: Bundle): Promise<Bundle> {
  const { document, model } = contentOf(bundle);
  const location = locationAt(bundle.names.vmx, model.uuid);
  await writeVmx(bundle.names.vmx, edit(document, new Map([['uuid.location', location]])));
  return await host.bundles.read(bundle.names.vmx);
}

function suspendedCopy({ name }: Bundle): KameError {
  return new KameError(
    'WRONG_STATE',
    `The copy ${name} is suspended, and its guest would resume with the MAC addresses of the original.`,
    {
      next: `If it is listed, kame start ${name} --copied --discard-state starts it from its disks; unsaved data in the guest is lost. Otherwise shut the original down and copy it again.`,
      details: { machine: name, state: 'suspended' },
    },
  );
}

/** Makes a copy a machine of its own, in one write: with its name, UUID, MAC addresses and place. */
async function separate(host: Host, bundle: Bundle, discardState: boolean): Promise<Bundle> {
  const { document, model } = contentOf(bundle);
  if (model.suspendedState !== '' && !discardState) throw suspendedCopy(bundle);
  const own = { ...withNewIdentity(model, bundle.name), displayName: bundle.name };
  const location = new Map([['uuid.location', locationAt(bundle.names.vmx, own.uuid)]]);
  await writeVmx(bundle.names.vmx, edit(applyModel(document, model, own), location));
  return await host.bundles.read(bundle.names.vmx);
}

export interface IdentityOptions {
  /** What a person says; without it, `uuid.action` and the other machines decide. */
  readonly answer?: MovedOrCopied | undefined;
  /** The caller discards the state of a suspended machine afterwards. */
  readonly discardState?: boolean | undefined;
}

/**
 * Settles who a machine is before it is listed or started: a machine without a UUID gets one, a copy gets its own, and the
 * place is recorded in `uuid.location`, as in VMware.
 * @throws KameError MOVED_OR_COPIED as decideIdentity; WRONG_STATE for a copy that is suspended
 */
export async function settleIdentity(
  host: Host,
  found: Bundle,
  { answer, discardState = false }: IdentityOptions = {},
): Promise<Bundle> {
  const bundle = await ensureUuid(host, found);
  const placement = placementOf(bundle);
  if (placement === 'here' && answer !== 'copied') return bundle;
  const decided = answer ?? (await decideIdentity(host, bundle));
  if (decided === 'copied') return await separate(host, bundle, discardState);
  // The place that another program recorded stays, so that it need not ask either.
  return placement === 'foreign' && answer === undefined ? bundle : await place(host, bundle);
}

/** The identity keys of a machine that gets another path: it is moved by Kame, so there is nothing to ask. */
export function placedAt(bundle: Bundle, vmx: string): ReadonlyMap<string, string> {
  const { uuid } = contentOf(bundle).model;
  const isPlaced = placementOf(bundle) === 'here';
  return new Map(isPlaced ? [['uuid.location', locationAt(vmx, uuid)]] : []);
}
