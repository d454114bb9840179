/** Characters of a label in a domain name (RFC 1035, 2.3.4). */
const maxLabel = 63;

/**
 * The labels of adapters in one network: that of its machine for the first adapter of a machine, and with a number for the others. Pure.
 * @param machines the label of the machine of each adapter; undefined if it has none
 * @param all the labels of all machines, which no number makes up
 */
export function adapterLabels(
  machines: readonly (string | undefined)[],
  all: Iterable<string>,
): (string | undefined)[] {
  const taken = new Set(all);
  const named = new Set<string>();
  return machines.map((label) => {
    if (label === undefined) return undefined;
    if (named.has(label)) return numberedLabel(label, taken);
    named.add(label);
    return label;
  });
}

/** A label that nobody has, from 2 on; it is taken then. */
function numberedLabel(label: string, taken: Set<string>): string {
  for (let number = 2; ; number += 1) {
    const own = `${label.slice(0, maxLabel - 4)}-${number}`;
    if (taken.has(own)) continue;
    taken.add(own);
    return own;
  }
}
