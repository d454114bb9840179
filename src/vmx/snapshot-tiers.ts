import { groupsOf, type Place } from './snapshot-keys.ts';
import { snapshotLimits, type RollingTier } from './snapshot-model.ts';
import type { SnapshotReader } from './snapshot-reader.ts';
import { booleanText } from './values.ts';

/** The tiers of AutoProtect, and the index of each in the file. */
export interface TierReading {
  readonly tiers: readonly RollingTier[];
  readonly places: readonly Place<number>[];
}

function readTier(reader: SnapshotReader, at: string, uid: number): RollingTier | undefined {
  const interval = reader.integer(`${at}.interval`, 1);
  const maximum = reader.integer(`${at}.maximum`, 1);
  if (interval === undefined || maximum === undefined) return undefined;
  const optional = {
    baseTier: reader.integer(`${at}.baseTier`),
    baseTierInterval: reader.integer(`${at}.baseTierInterval`),
    baseTierSnapshotCount: reader.integer(`${at}.baseTierSnapshotCount`),
    clientFlags: reader.integer(`${at}.clientFlags`, -snapshotLimits.integer - 1, 0xffffffff),
    live: reader.flag(`${at}.live`),
  };
  return {
    uid,
    interval,
    maximum,
    timeSinceLast: reader.integer(`${at}.timeSinceLast`) ?? 0,
    displayName: reader.text(`${at}.displayName`),
    description: reader.text(`${at}.description`),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

/**
 * Reads the `rollingTierN` keys. A tier without a uid, an interval or a maximum, or with a uid that is already in use,
 * is ignored with a problem.
 */
export function readTiers(reader: SnapshotReader): TierReading {
  const tiers: RollingTier[] = [];
  const places: Place<number>[] = [];
  const seen = new Set<number>();
  for (const index of groupsOf(reader.doc.index.keys(), 'rollingtier').keys()) {
    const at = `rollingTier${index}`;
    const uid = reader.integer(`${at}.uid`, 1);
    const fits = uid !== undefined && !seen.has(uid) && tiers.length < snapshotLimits.rollingTiers;
    const tier = fits ? readTier(reader, at, uid) : undefined;
    places.push({ index, id: tier?.uid ?? null });
    if (tier) {
      seen.add(tier.uid);
      tiers.push(tier);
    } else {
      reader.odd(`${at}.uid`, `${at} has no unique uid, no interval or no maximum. Ignoring the tier.`);
    }
  }
  reader.count('snapshot.numRollingTiers', tiers.length);
  return { tiers, places };
}

const tierKeys = [
  'interval',
  'maximum',
  'baseTier',
  'baseTierInterval',
  'baseTierSnapshotCount',
  'clientFlags',
  'live',
  'displayName',
  'description',
  'timeSinceLast',
] as const;

function textOf(value: RollingTier[(typeof tierKeys)[number]]): string | null {
  if (value === undefined || value === '') return null;
  if (typeof value === 'string') return value;
  return typeof value === 'boolean' ? booleanText(value) : String(value);
}

/** The changes that write the tier at this index, with keys as VMware spells them. `old` is the tier in the file. */
export function tierChanges(
  index: number,
  tier: RollingTier,
  old: RollingTier | undefined,
): [string, string | null][] {
  const changed = tierKeys.filter((key) => (old ? old[key] !== tier[key] : textOf(tier[key]) !== null));
  const changes = changed.map((key): [string, string | null] => [
    `rollingTier${index}.${key === 'timeSinceLast' ? 'timeSincelast' : key}`,
    textOf(tier[key]),
  ]);
  return old ? changes : [[`rollingTier${index}.uid`, String(tier.uid)], ...changes];
}
