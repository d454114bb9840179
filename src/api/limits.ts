/** Limits that the command line needs without loading the schemas. */

/** The most clones that one request can make. */
export const maxClones = 100;
/** The most snapshots that AutoProtect can keep. */
export const maxAutoProtectKeep = 100;
export const cloneKinds = ['full', 'linked', 'instant'] as const;
export const autoProtectPeriods = ['30m', '1h', '1d'] as const;
/** Bytes of standard input that a client of `exec` may send before the daemon says that they were taken. */
export const execInputWindow = 512 * 1024;
/** The largest message that the daemon takes over a WebSocket, in bytes. */
export const maxMessageBytes = 1024 * 1024;
/** The longest script for a guest, in bytes. */
export const maxScriptBytes = 1024 * 1024;
