import { plainName } from '../../model/name.ts';
import { fileNameOf, type Bundle } from '../../store/bundle.ts';
import { placementOf } from './location.ts';

/** Of machines with one name, the one that keeps it: the only one in its place, or the only one whose bundle has that name. */
function keeperOf(bundles: readonly Bundle[]): Bundle | undefined {
  const inPlace = bundles.filter((bundle) => placementOf(bundle) === 'here');
  if (inPlace.length === 1) return inPlace[0];
  const [first, ...more] = bundles.filter(
    (bundle) => plainName(fileNameOf(bundle.names)) === plainName(bundle.name),
  );
  return more.length === 0 ? first : undefined;
}

/**
 * Tells copies apart: `cp -r` of a bundle makes two machines of one name. The original keeps it; a copy gets the name of its
 * bundle, unless another machine has that. @returns the names that differ from those in the `.vmx`, by path
 */
export function namesApart(bundles: readonly Bundle[]): Map<string, string> {
  const groups = new Map<string, Bundle[]>();
  for (const bundle of bundles) {
    const key = plainName(bundle.name);
    groups.set(key, [...(groups.get(key) ?? []), bundle]);
  }
  const used = new Set(groups.keys());
  const names = new Map<string, string>();
  for (const group of groups.values()) {
    if (group.length < 2) continue;
    const keeper = keeperOf(group);
    for (const bundle of group) {
      const name = fileNameOf(bundle.names);
      if (bundle === keeper || used.has(plainName(name))) continue;
      used.add(plainName(name));
      names.set(bundle.names.vmx, name);
    }
  }
  return names;
}
