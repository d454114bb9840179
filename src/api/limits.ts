/** Plain facts that the command line needs too, which does not load the schemas. */

/** Most clones that one request makes. */
export const maxClones = 100;
/** Most snapshots that AutoProtect keeps. */
export const maxAutoProtectKeep = 100;
export const cloneKinds = ['full', 'linked', 'instant'] as const;
export const autoProtectPeriods = ['30m', '1h', '1d'] as const;
