import * as z from 'zod';
import { roles } from './role.ts';

/** The web desktop: its addresses, its users, and the record of what was done. */

export const webAddress = z
  .object({
    address: z
      .string()
      .describe('Whoever has it may use the API as you until it was used: treat it as a password'),
    until: z.string().describe('When it stops to be valid, ISO 8601'),
  })
  .meta({ id: 'WebAddress' });
export type WebAddress = z.infer<typeof webAddress>;

export const defaultWebPort = 8443;
/** The most grants of a user. */
export const maxGrants = 16;
/** The fewest characters of a password that other computers may try. */
const minPasswordLength = 10;

const path = z.string().regex(/^\//, 'It is not an absolute path').max(4096);
/** A name of this computer in a network, without a port. */
const hostName = z
  .string()
  .regex(/^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i)
  .meta({ description: 'A name by which browsers reach this computer' });

export const listenRemotely = z
  .strictObject({
    address: z.string().max(45).describe('An address of this computer, or 0.0.0.0 or :: for all of them'),
    port: z.int().min(1).max(65_535).default(defaultWebPort),
    names: z.array(hostName).max(16).default([]),
    certificate: z
      .strictObject({
        cert: path.describe('A file with the certificate and those that it depends on, in PEM'),
        key: path.describe('The file of its private key in PEM, which only its owner may read'),
      })
      .optional()
      .describe('Without it, Kame makes a certificate of its own'),
  })
  .meta({ id: 'ListenRemotely' });
export type ListenRemotely = z.output<typeof listenRemotely>;

const remoteWeb = z
  .object({
    listening: z.boolean(),
    problem: z.string().nullable().describe('Why it is not, although it should be'),
    address: z.string(),
    port: z.int(),
    names: z.array(z.string()),
    addresses: z.array(z.string()).describe('What to open in a browser'),
    certificate: z.string().nullable().describe('Its file; null for the one that Kame made'),
    fingerprint: z.string().nullable().describe('SHA-256 of the certificate, in hexadecimal with colons'),
    validUntil: z.string().nullable().describe('ISO 8601'),
  })
  .meta({ id: 'RemoteWeb' });
export type RemoteWeb = z.infer<typeof remoteWeb>;

export const webState = z
  .object({
    local: z.boolean().describe('Whether browsers of this computer can use it now'),
    remote: remoteWeb.nullable().describe('How other computers reach it; null if they may not'),
    users: z.int().describe('How many users there are'),
  })
  .meta({ id: 'WebState' });
export type WebState = z.infer<typeof webState>;

const role = z.enum(roles).meta({ id: 'Role' });
export const userName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._@-]{0,63}$/i)
  .meta({ description: 'The name of a user of the web desktop', examples: ['ada'] });

const password = z
  .string()
  .min(minPasswordLength, `It has fewer than ${minPasswordLength} characters`)
  .max(1024);

export const webUser = z
  .object({
    name: z.string(),
    grants: z.array(
      z.object({
        role,
        machines: z
          .array(
            z.object({
              id: z.string(),
              name: z.string().nullable().describe('null if it is not there any more'),
            }),
          )
          .nullable()
          .describe('Those that the role is for; null for all'),
      }),
    ),
  })
  .meta({ id: 'WebUser' });
export type WebUser = z.infer<typeof webUser>;

const grants = z
  .array(
    z.strictObject({
      role,
      machines: z
        .array(z.string().min(1).max(4096))
        .min(1)
        .max(256)
        .nullable()
        .default(null)
        .describe('Names or ids of the machines that the role is for; null for all'),
    }),
  )
  .min(1)
  .max(maxGrants)
  .describe('What the user may do: everything that at least one of them permits');

export const addWebUser = z.strictObject({ name: userName, grants, password }).meta({ id: 'AddWebUser' });
export type AddWebUser = z.output<typeof addWebUser>;

export const setWebUser = z.strictObject({ grants }).meta({ id: 'SetWebUser' });

export const setWebPassword = z.strictObject({ password }).meta({ id: 'SetWebPassword' });

/** What a person writes to sign in. Not more is checked: what no user can have is wrong as any other is. */
export const webCredentials = z.strictObject({ user: z.string().max(64), password: z.string().max(1024) });

export const webSession = z.object({
  user: z.string().nullable().describe('null for the user of this computer'),
  grants: z.array(z.object({ role, machines: z.array(z.string()).readonly().nullable() })).readonly(),
});
export type WebSession = z.infer<typeof webSession>;

export const auditEntry = z
  .object({
    at: z.string().describe('ISO 8601'),
    user: z.string().nullable().describe('null for the user of this computer, or one that does not exist'),
    from: z
      .string()
      .describe('socket: a program of this computer; browser: a browser of this computer; or an address'),
    operation: z.string().describe('Of this list, or session.begin or session.end'),
    machine: z.string().nullable().describe('As it was named'),
    result: z.string().describe('ok, or the code of the error'),
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntry = z.infer<typeof auditEntry>;
