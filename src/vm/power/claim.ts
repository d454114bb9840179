import { KameError } from '../../core/errors.ts';
import { nilUuid } from '../../model/uuid.ts';
import type { Bundle } from '../../store/bundle.ts';
import { lockHolder } from '../../sys/lock.ts';
import { allBundles } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { cannot } from '../host/verbs.ts';

/** What only one running machine may have, in words for people. */
function identitiesOf({ content }: Bundle): string[] {
  if (!content) return [];
  const { uuid, nics } = content.model;
  const macs = nics.map(({ mac }) => `the MAC address ${mac}`);
  return uuid === nilUuid ? macs : [`the UUID ${uuid}`, ...macs];
}

/** Whether an engine runs that was not adopted. A lock that cannot be read says nothing. */
async function isHeld({ names }: Bundle): Promise<boolean> {
  return (await lockHolder(names.lock).catch(() => undefined))?.purpose === 'qemu';
}

function refusal(bundle: Bundle, other: string, shared: string): KameError {
  const { name } = bundle;
  return new KameError(
    'WRONG_STATE',
    `${cannot('start', name)}: ${other} has ${shared} too, and is running.`,
    {
      next: `Stop ${other} first. If ${name} is a copy, kame start ${name} --copied gives it a UUID and MAC addresses of its own.`,
      details: { machine: name, other },
    },
  );
}

/**
 * Claims the UUID and the MAC addresses of a machine for its start; afterwards it is one of the running machines.
 * @throws KameError WRONG_STATE when a running machine, or one that is being started, has any of them
 */
export async function claimIdentity(host: Host, bundle: Bundle): Promise<Disposable> {
  const wanted = identitiesOf(bundle);
  const shares = (other: Bundle) => identitiesOf(other).some((each) => wanted.includes(each));
  const alike = (await allBundles(host)).filter(
    (other) => other.names.vmx !== bundle.names.vmx && shares(other),
  );
  const held = await Promise.all(alike.map(isHeld));
  // From here on nothing waits: a start that ends in between would be neither claimed nor running.
  const running = alike.filter(({ names }, at) => held[at] === true || host.running.get(names.vmx));
  const { starting: claims } = host;
  for (const identity of wanted) {
    const other = claims.get(identity) ?? running.find((each) => identitiesOf(each).includes(identity));
    if (other) throw refusal(bundle, other.name, identity);
  }
  for (const identity of wanted) claims.set(identity, bundle);
  return {
    [Symbol.dispose]() {
      for (const identity of wanted) claims.delete(identity);
    },
  };
}
