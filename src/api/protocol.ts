/** Constants of the protocol that all operations share. */

/** The first part of every path. */
export const apiVersion = 'v1';
/** The content type of a stream of JSON values, one per line. */
export const ndjson = 'application/x-ndjson';
/** Sent with every request. A client replaces a daemon of another version; machines keep running. */
export const versionHeader = 'x-kame-version';
/** A UUID that a client gives a task, to cancel it with `DELETE /tasks/UUID` and still receive its result. */
export const taskHeader = 'x-kame-task';
/**
 * The environment of a command, as JSON: the daemon may have been started by another one, with another environment. Sent over
 * the Unix socket only.
 */
export const environmentHeader = 'x-kame-environment';
/** The variables in it. For its request, a variable that the command does not have is not set. */
export const requestVariables = [
  'KAME_QEMU_DIR',
  'KAME_QEMU_AARCH64',
  'KAME_QEMU_X86_64',
  'KAME_DEBIAN_MIRROR',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'XDG_CONFIG_HOME',
  'PATH',
] as const;
/** The longest value of the header, in bytes: Node accepts 16 KiB for all headers of a request. */
export const maxEnvironmentBytes = 12 * 1024;
