import * as z from 'zod';

/** Parameters in paths and queries. Those in paths are percent-encoded there. */

const reference = z.string().min(1).max(4096);

export const machineParams = z.object({
  machine: reference.meta({
    description: 'A machine: its name, its id or the absolute path of its .vmx',
    examples: ['demo'],
  }),
});

export const snapshotParams = machineParams.extend({
  snapshot: reference.meta({
    description: 'A snapshot: its label, its path such as /a/b, or # and its uid',
    examples: ['clean'],
  }),
});

export const diskParams = machineParams.extend({
  disk: reference.meta({
    description: 'A disk: its slot or the name of its file',
    examples: ['nvme0:0'],
  }),
});

/** A field of a query that is `true` or `false`, and false when it is missing. */
export function flag(description: string) {
  const missing = false;
  // A text on the way here; for whoever calls the API a boolean.
  return z.stringbool().default(missing).meta({ type: 'boolean', default: missing, description });
}
