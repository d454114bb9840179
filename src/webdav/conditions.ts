import { Refusal } from './refusal.ts';

/** A list of an If header (RFC 4918, 10.4): all of its conditions must hold. */
interface ConditionList {
  /** The address that it is about; undefined for that of the request. */
  readonly address: string | undefined;
  readonly conditions: readonly Condition[];
}

interface Condition {
  readonly not: boolean;
  readonly kind: 'token' | 'tag';
  readonly value: string;
}

export interface IfHeader {
  readonly lists: readonly ConditionList[];
  /** All lock tokens in it: the guest knows them, and so may change what they lock. */
  readonly tokens: ReadonlySet<string>;
}

const maxParts = 256;
const bad = (): Refusal => new Refusal(400, 'The If header is malformed.');

/** A part of the header: `Not`, something in angle brackets, an entity tag, or a single character. */
interface Part {
  readonly word: string | undefined;
  readonly angled: string | undefined;
  readonly tag: string | undefined;
  readonly mark: string | undefined;
}

class IfReader {
  readonly lists: { address: string | undefined; conditions: Condition[] }[] = [];
  readonly tokens = new Set<string>();
  #address: string | undefined;
  /** The list that is being read. */
  #list: Condition[] | undefined;
  #not = false;

  take(part: Part): void {
    if (this.#list) this.#takeInside(this.#list, part);
    else this.#takeBetween(part);
  }

  /** @throws Refusal 400 when a list is missing or has no end */
  end(): void {
    if (this.#list || this.lists.length === 0) throw bad();
  }

  #takeBetween({ angled, mark }: Part): void {
    if (angled !== undefined) this.#address = angled;
    else if (mark === '(') this.lists.push({ address: this.#address, conditions: (this.#list = []) });
    else throw bad();
  }

  #takeInside(list: Condition[], { word, angled, tag, mark }: Part): void {
    const not = this.#not;
    if (word !== undefined && !not) {
      this.#not = true;
      return;
    }
    this.#not = false;
    if (angled !== undefined) this.tokens.add(angled);
    const value = angled ?? tag;
    if (value !== undefined) list.push({ not, kind: angled === undefined ? 'tag' : 'token', value });
    else if (mark === ')' && list.length > 0 && !not) this.#list = undefined;
    else throw bad();
  }
}

/** @throws Refusal 400 */
export function parseIf(header: string | undefined): IfHeader {
  const reader = new IfReader();
  if (header === undefined) return reader;
  let count = 0;
  for (const [, space, word, angled, tag, mark] of header.matchAll(
    /(\s+)|(Not)\b|<([^<>\s]*)>|\[((?:W\/)?"[^"]*")\]|([^])/gi,
  )) {
    if (space !== undefined) continue;
    count += 1;
    if (count > maxParts) throw bad();
    reader.take({ word, angled, tag, mark });
  }
  reader.end();
  return reader;
}

/** What the conditions are compared with: the state of an address. */
export interface AddressState {
  readonly tag: string | undefined;
  readonly tokens: ReadonlySet<string>;
}

/**
 * Whether an If header lets a request proceed: one of its lists holds.
 * @param stateOf the state of an address, undefined for that of the request
 */
export async function holds(
  { lists }: IfHeader,
  stateOf: (address: string | undefined) => Promise<AddressState>,
): Promise<boolean> {
  if (lists.length === 0) return true;
  for (const { address, conditions } of lists) {
    const state = await stateOf(address);
    const met = conditions.every(({ not, kind, value }) => {
      const is = kind === 'token' ? state.tokens.has(value) : state.tag === value;
      return is !== not;
    });
    if (met) return true;
  }
  return false;
}

function lists(header: string, tag: string | undefined): boolean {
  if (header.trim() === '*') return tag !== undefined;
  return tag !== undefined && header.split(',').some((each) => each.trim() === tag);
}

/**
 * Checks If-Match and If-None-Match.
 * @param tag the entity tag of what is there; undefined if nothing is
 * @throws Refusal 412; 304 for a GET of what the guest has already
 */
export function checkMatch(
  headers: { readonly 'if-match'?: string | undefined; readonly 'if-none-match'?: string | undefined },
  tag: string | undefined,
  reads: boolean,
): void {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  if (match !== undefined && !lists(match, tag))
    throw new Refusal(412, 'It is not what the guest expects to be there.');
  if (noneMatch === undefined || !lists(noneMatch, tag)) return;
  throw reads && tag !== undefined
    ? new Refusal(304, '', { headers: { ETag: tag } })
    : new Refusal(412, 'It exists already.');
}
