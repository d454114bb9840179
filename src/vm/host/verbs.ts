/** A use case in the words of messages. */
interface Wording {
  /** After "Cannot", before the machine's name. */
  readonly infinitive: string;
  /** Why another operation must wait. */
  readonly underWay: string;
}

/** Every use case that holds a machine has a verb in this table. */
const verbs = {
  create: { infinitive: 'create', underWay: 'it is being created' },
  import: { infinitive: 'import', underWay: 'it is being imported' },
  export: { infinitive: 'export', underWay: 'it is being exported' },
  start: { infinitive: 'start', underWay: 'it is being started' },
  adopt: { infinitive: 'reach', underWay: 'its engine is being looked for' },
  stop: { infinitive: 'stop', underWay: 'it is being stopped' },
  restart: { infinitive: 'restart', underWay: 'it is being restarted' },
  pause: { infinitive: 'pause', underWay: 'it is being paused' },
  unpause: { infinitive: 'unpause', underWay: 'it is being unpaused' },
  suspend: { infinitive: 'suspend', underWay: 'it is being suspended' },
  snapshot: { infinitive: 'take a snapshot of', underWay: 'a snapshot of it is being taken' },
  revert: { infinitive: 'revert', underWay: 'it is being reverted' },
  'edit snapshots': { infinitive: 'change the snapshots of', underWay: 'its snapshots are being changed' },
  clone: { infinitive: 'clone', underWay: 'it is being cloned' },
  change: { infinitive: 'change', underWay: 'it is being changed' },
  check: { infinitive: 'check', underWay: 'it is being checked' },
  copy: { infinitive: 'copy files of', underWay: 'files are being copied into or out of it' },
  quiesce: { infinitive: 'quiesce', underWay: 'its file systems are being frozen' },
  rename: { infinitive: 'rename', underWay: 'it is being renamed' },
  repair: { infinitive: 'repair', underWay: 'it is being repaired' },
  register: { infinitive: 'register', underWay: 'it is being registered' },
  unregister: { infinitive: 'unregister', underWay: 'it is being unregistered' },
  delete: { infinitive: 'delete', underWay: 'it is being deleted' },
} as const satisfies Record<string, Wording>;

export type Verb = keyof typeof verbs;

/** The start of a refusal: `Cannot take a snapshot of demo`. */
export function cannot(verb: Verb, machine: string): string {
  return `Cannot ${verbs[verb].infinitive} ${machine}`;
}

/** Why a machine is busy: `a snapshot of it is being taken`. */
export function underWay(verb: Verb): string {
  return verbs[verb].underWay;
}
