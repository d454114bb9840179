/** The most characters of a label in a domain name (RFC 1035, 2.3.4). */
const maxLength = 63;

/** Turns the name of a machine into a host name (RFC 1123): at most 63 lower-case letters, digits and dashes. */
export function hostNameFor(machineName: string): string {
  const text = machineName
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/gu, '-')
    .slice(0, maxLength)
    .replace(/^-+|-+$/gu, '');
  return text === '' ? 'kame' : text;
}

/** A host name with a number: `web-2`. */
function numbered(label: string, number: number): string {
  const suffix = `-${number}`;
  return `${label.slice(0, maxLength - suffix.length).replace(/-+$/u, '')}${suffix}`;
}

/**
 * A host name for each machine, all different: of several machines whose names make the same, the first keeps it, and
 * the others get a number.
 * @param names of the machines, in an order that stays the same; they may be equal
 * @returns the labels in the same order
 */
export function distinctHostNames(names: readonly string[]): string[] {
  const plain = names.map(hostNameFor);
  const taken = new Set(plain);
  const given = new Set<string>();
  return plain.map((label) => {
    let own = label;
    for (let number = 2; given.has(own) || (own !== label && taken.has(own)); number += 1)
      own = numbered(label, number);
    given.add(own);
    return own;
  });
}
