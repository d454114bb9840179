/** Constants of the protocol that all operations share. */

/** The first part of every path. */
export const apiVersion = 'v1';
/** The content type of a stream of JSON values, one per line. */
export const ndjson = 'application/x-ndjson';
/** Sent with every request. A client replaces a daemon of another version; machines keep running. */
export const versionHeader = 'x-kame-version';
/** A UUID that a client gives a task, to cancel it with `DELETE /tasks/UUID` and still receive its result. */
export const taskHeader = 'x-kame-task';
