import { randomBytes } from 'node:crypto';
import { KameError } from '../../core/errors.ts';
import { keysByScript, namesByScript, type ScriptAgent } from './by-script.ts';
import { keysByTools, namesByTools, type OperatingTools } from './by-tools.ts';
import { setClock, type ClockAgent } from './clock.ts';
import { hostKeyTypes, makeHostKey, type HostKey, type HostKeyType } from './host-keys.ts';
import type { ChangedNames, IdentityLimits, NameValues } from './names.ts';
import { allSteps, readSteps, type IdentityStep } from './report.ts';
import type { Card } from './script.ts';

/** Who does it in the guest: kame-tools if they are given, and what they cannot do, the agent. */
export interface IdentityGuest {
  readonly agent: ScriptAgent & ClockAgent;
  readonly tools?: OperatingTools | undefined;
}

export interface IdentityOptions {
  /** By RFC 1123: letters, digits and dashes, in parts with dots between; at most 64 characters, as Linux takes. */
  readonly hostName: string;
  /** Address of each network card in the copied memory, and the one that it gets. */
  readonly macs: readonly Card[];
  /** 32 hexadecimal digits in lower case. Default: random. */
  readonly machineId?: string;
  /** Leaves the guest's clock as it is. Default: false. */
  readonly keepsClock?: boolean;
  /** Milliseconds that kame-tools may wait for `renewLeases`. Default: 0, so that they ask for addresses at once. */
  readonly leaseWithin?: number;
  readonly signal?: AbortSignal;
  /** Where host keys come from, for a caller that makes some in advance. Default: made here. */
  readonly makeKey?: (type: HostKeyType, comment: string) => Promise<HostKey>;
}

export interface IdentityReport {
  readonly steps: readonly IdentityStep[];
  /** What the guest has now; absent where it has none. */
  readonly machineId?: string;
  /** The new SSH host keys that are in place. */
  readonly hostKeys: readonly { readonly type: HostKeyType; readonly fingerprint: string }[];
  /** Milliseconds from the call on, each until that was done. */
  readonly timings: {
    /** Names, addresses and random numbers. */
    readonly namesMs: number;
    readonly clockMs: number;
    /** The SSH host keys too. */
    readonly totalMs: number;
  };
}

const maxCards = 10;
const maxForeignKeys = 5;

function refuse(what: string, value: string, allowed: string): KameError {
  return new KameError('INVALID_VALUE', `"${value.slice(0, 100)}" is no ${what}: ${allowed}.`);
}

function checkHostName(name: string): void {
  const label = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/u;
  if (name.length > 64 || !name.split('.').every((part) => label.test(part))) {
    throw refuse(
      'host name',
      name,
      'letters, digits and dashes in parts with dots between, at most 64 characters',
    );
  }
}

function checkedCards(cards: readonly Card[]): Card[] {
  if (cards.length > maxCards) {
    throw new KameError('INVALID_VALUE', `A machine has at most ${maxCards} network cards.`);
  }
  return cards.map((card) => {
    const lower = { old: card.old.toLowerCase(), new: card.new.toLowerCase() };
    for (const mac of [lower.old, lower.new]) {
      if (!/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/u.test(mac)) {
        throw refuse('MAC address of a card', mac, 'six bytes in hexadecimal with colons, the first even');
      }
    }
    return lower;
  });
}

function checkMachineId(id: string): void {
  if (!/^[0-9a-f]{32}$/u.test(id)) throw refuse('machine-id', id, '32 hexadecimal digits in lower case');
}

/** The clock after the names: what was not set exactly is set by the agent. */
async function clockStep(
  agent: ClockAgent,
  isRight: boolean,
  { keepsClock, signal }: Pick<IdentityOptions, 'keepsClock' | 'signal'>,
): Promise<IdentityStep> {
  if (keepsClock) return { name: 'clock', result: 'skipped', reason: 'tools.syncTime is FALSE' };
  if (isRight) return { name: 'clock', result: 'ok' };
  const { result, reason } = await setClock(agent, signal ? { signal } : {});
  return { name: 'clock', result, ...(reason === undefined ? {} : { reason }) };
}

/** Kinds of host keys that the guest has, as its script told; others than we can make stay as they are. */
function kindsOf(step: IdentityStep | undefined): { known: HostKeyType[]; other: IdentityStep[] } {
  if (step?.result !== 'ok') return { known: [], other: step ? [step] : [] };
  const names = (step.reason ?? '').split(',').filter((name) => /^[a-z0-9]{1,20}$/u.test(name));
  const known = hostKeyTypes.filter((type) => names.includes(type));
  const foreign = names.filter((name) => !known.some((type) => type === name)).slice(0, maxForeignKeys);
  const steps = foreign.map((name) => `host-key-${name}`);
  return { known, other: allSteps(steps, 'skipped', 'keys of this kind are not made') };
}

/** Host keys that are made as soon as the guest has told which it has, while its script goes on. */
class KeysInTheMaking {
  readonly #options: IdentityOptions;
  #keys: Promise<HostKey[]> | undefined;
  other: readonly IdentityStep[] = [];

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  /** Looks at what the script has printed so far. */
  see(text: string): void {
    const end = text.lastIndexOf('\n') + 1;
    const [step] = readSteps(text.slice(0, end), ['host-keys']);
    if (step && step.result !== 'failed') this.#begin(step);
  }

  /** The keys, given the script's own last word on them. */
  async keys(step: IdentityStep | undefined): Promise<HostKey[]> {
    if (step) this.#begin(step);
    return (await this.#keys) ?? [];
  }

  #begin(step: IdentityStep): void {
    if (this.#keys !== undefined) return;
    const { makeKey = makeHostKey, hostName } = this.#options;
    const { known, other } = kindsOf(step);
    this.other = other;
    this.#keys = Promise.all(known.map(async (kind) => await makeKey(kind, `root@${hostName}`)));
    // It is waited for only when the script went well.
    this.#keys.catch(() => undefined);
  }
}

/** By kame-tools if they are there and know how, else by scripts. */
async function changeNames(
  { agent, tools }: IdentityGuest,
  values: NameValues,
  limits: IdentityLimits,
): Promise<ChangedNames> {
  return (
    (tools && (await namesByTools(tools, values, limits))) ?? (await namesByScript(agent, values, limits))
  );
}

async function placeKeys(
  { agent, tools }: IdentityGuest,
  keys: readonly HostKey[],
  limits: IdentityLimits,
): Promise<readonly IdentityStep[]> {
  if (keys.length === 0) return [];
  return (tools && (await keysByTools(tools, keys, limits))) ?? (await keysByScript(agent, keys, limits));
}

/**
 * Makes a machine that goes on from a copy of another's memory a machine of its own, from inside: clock, random numbers,
 * host name, machine-id, MAC addresses, DHCP leases, and then the SSH host keys, which are made here. Steps that fail or
 * don't apply are in the report and stop nothing. In Windows only the clock is set.
 * @throws KameError INVALID_VALUE before the guest is asked anything; GUEST_AGENT_MISSING when nobody answers, CANCELLED
 */
export async function applyIdentity(guest: IdentityGuest, options: IdentityOptions): Promise<IdentityReport> {
  const { hostName, machineId = randomBytes(16).toString('hex'), keepsClock = false, signal } = options;
  const { leaseWithin = 0 } = options;
  checkHostName(hostName);
  checkMachineId(machineId);
  const cards = checkedCards(options.macs);
  const started = performance.now();
  const since = (): number => performance.now() - started;
  const making = new KeysInTheMaking(options);
  const seed = randomBytes(64).toString('base64');
  const limits = { signal, onText: (text: string) => making.see(text) };
  const values = { hostName, machineId, cards, seed, setsClock: !keepsClock, leaseWithin };
  const { steps, clockIsRight } = await changeNames(guest, values, limits);
  const namesMs = since();
  const clock = await clockStep(guest.agent, clockIsRight, options);
  const clockMs = since();
  const keys = await making.keys(steps.find(({ name }) => name === 'host-keys'));
  const keySteps = await placeKeys(guest, keys, { signal });
  const placed = keys.filter(({ type }) =>
    keySteps.some(({ name, result }) => name === `host-key-${type}` && result === 'ok'),
  );
  const rest = steps.filter(({ name }) => name !== 'clock' && name !== 'host-keys');
  const hasId = rest.some(({ name, result }) => name === 'machine-id' && result === 'ok');
  const totalMs = since();
  return {
    steps: [clock, ...rest, ...making.other, ...keySteps],
    ...(hasId ? { machineId } : {}),
    hostKeys: placed.map(({ type, fingerprint }) => ({ type, fingerprint })),
    timings: { namesMs, clockMs, totalMs },
  };
}
