import * as z from 'zod';

/** Parameters of paths and queries. Path parameters are percent-encoded. */

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
    description: 'A disk: its slot or its file name',
    examples: ['nvme0:0'],
  }),
});

export const networkParams = z.object({
  network: reference.meta({ description: 'The name of a network', examples: ['vmnet8'] }),
});

export const forwardParams = networkParams.extend({
  transport: z
    .string()
    .regex(/^(?:tcp|udp)$/)
    .meta({ description: 'tcp or udp', examples: ['tcp'] }),
  port: z
    .string()
    .regex(/^\d{1,5}$/)
    .meta({ description: 'The port of the host', examples: ['8080'] }),
});

export const reservationParams = networkParams.extend({
  adapter: reference.meta({
    description:
      'A machine with one adapter in the network (its name, its id or the path of its .vmx), or a MAC address',
    examples: ['web'],
  }),
});

export const nicParams = machineParams.extend({
  nic: z
    .string()
    .regex(/^[0-9]$/)
    .meta({ description: 'N of the adapter ethernetN', examples: ['0'] }),
});

/** A query parameter that is `true` or `false`. Default: false. */
export function flag(description: string) {
  const missing = false;
  // A string in the URL, but a boolean for callers of the API.
  return z.stringbool().default(missing).meta({ type: 'boolean', default: missing, description });
}
