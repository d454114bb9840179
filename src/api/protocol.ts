/** What all operations have in common. */

/** The first part of every path. */
export const apiVersion = 'v1';
/** The content type of a stream of JSON values, one a line. */
export const ndjson = 'application/x-ndjson';
/** Sent with every request; a daemon of another version is replaced (machines go on running). */
export const versionHeader = 'x-kame-version';
/** A UUID that a client gives a task, to cancel it by `DELETE /tasks/UUID` and still hear how it ended. */
export const taskHeader = 'x-kame-task';
