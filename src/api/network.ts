import * as z from 'zod';

/** Shapes of networks, their forwards, addresses and leases. */

const networkType = z
  .enum(['nat', 'hostonly', 'private', 'bridged'])
  .describe(
    'nat: guests reach each other and the outside; hostonly: each other, and the host reaches them; private: each other only; ' +
      'bridged: they are on a network of the host',
  )
  .meta({ id: 'NetworkType' });
const transport = z.enum(['tcp', 'udp']).meta({ id: 'Transport' });
const port = z.int().min(1).max(65_535);
const bootPlace = z
  .object({
    directory: z.string().max(4096).describe('Absolute path of the directory that guests may read by TFTP'),
    file: z.string().max(127).describe('The file in it that guests load first'),
  })
  .strict()
  .meta({ id: 'NetworkBoot' });

export const network = z
  .object({
    name: z.string(),
    type: networkType.nullable().describe('null if the entry in networks.json cannot be read'),
    broken: z.string().nullable().describe('Why the network cannot be used; null if it can'),
    subnet: z.string().nullable().describe('IPv4 in CIDR form; null without addresses of its own'),
    dhcp: z.boolean().describe('Whether the network answers DHCP'),
    mtu: z.int().describe('Largest payload of a frame in bytes'),
    interface: z.string().nullable().describe('Of a bridged network: the interface of the host'),
    hostLoopback: z
      .boolean()
      .describe('Whether guests reach the loopback interface of the host by the address of the gateway'),
    boot: bootPlace.nullable().describe('From where guests boot by PXE'),
    running: z.boolean(),
    machines: z.array(z.string()).describe('Names of the machines with an adapter in this network'),
  })
  .meta({ id: 'Network' });
export type NetworkInfo = z.infer<typeof network>;

export const networkForward = z
  .object({
    transport,
    bind: z.string().describe('The address of the host that listens'),
    hostPort: port,
    machine: z
      .string()
      .nullable()
      .describe('Name of the machine to which it leads; null for an address, and if it is gone'),
    machineId: z.string().nullable().describe('UUID of that machine; null for an address'),
    address: z.string().nullable().describe('Where it leads; null if the machine is gone or has no address'),
    guestPort: port,
    description: z.string(),
    automatic: z.boolean().describe('Whether kame ssh made it, and may choose another port'),
    state: z
      .enum(['listening', 'waiting', 'failed'])
      .describe('waiting: it listens while a machine runs in the network'),
    reason: z.string().nullable().describe('Why it failed'),
  })
  .meta({ id: 'NetworkForward' });
export type NetworkForward = z.infer<typeof networkForward>;

export const reservation = z
  .object({
    mac: z.string(),
    address: z.string(),
    machine: z.string().nullable().describe('Name of the machine with that adapter; null if there is none'),
  })
  .meta({ id: 'Reservation' });
export type Reservation = z.infer<typeof reservation>;

const networkAdapter = z
  .object({
    machine: z.string(),
    device: z.string().describe('Such as ethernet0'),
    mac: z.string(),
    address: z.string().nullable().describe('The address that the adapter keeps'),
    hostName: z.string().describe('Name of the machine for guests of the network, such as web.kame'),
    connected: z.boolean().nullable().describe('Whether it is connected to the network; null unless it runs'),
    connections: z
      .int()
      .nullable()
      .describe('TCP connections that it has open to the outside; null unless it runs on a NAT network'),
    dropped: z
      .record(z.string(), z.int())
      .describe('How many of its frames were dropped, by reason, such as spoofed-mac, rogue-server or storm'),
  })
  .meta({ id: 'NetworkAdapter' });
export type NetworkAdapter = z.infer<typeof networkAdapter>;

export const networkDetails = network
  .extend({
    gateway: z.string().nullable(),
    nameServer: z.string().nullable(),
    dhcpServer: z.string().nullable(),
    ipv6Prefix: z.string().nullable().describe('Of 64 bits'),
    adapters: z.array(networkAdapter),
    forwards: z.array(networkForward),
    reservations: z.array(reservation),
    switchPid: z.int().nullable(),
    natPid: z.int().nullable(),
    trouble: z.string().nullable().describe('Why the running network does not work'),
  })
  .meta({ id: 'NetworkDetails' });
export type NetworkDetails = z.infer<typeof networkDetails>;

const changes = {
  subnet: z.string().max(64).optional().describe('Private IPv4 in CIDR form, from /16 to /29'),
  mtu: z.int().optional().describe('576 to 65521'),
  dhcp: z.boolean().optional(),
  interface: z.string().max(64).optional().describe('Of a bridged network: the interface of the host'),
  hostLoopback: z.boolean().optional(),
} as const;

export const createNetwork = z
  .object({
    name: z.string().max(255).describe('1 to 31 lower-case letters, digits and dashes'),
    type: networkType.default('nat'),
    ...changes,
    boot: bootPlace.optional(),
  })
  .strict()
  .meta({ id: 'CreateNetwork' });
export type CreateNetwork = z.output<typeof createNetwork>;

export const setNetwork = z
  .object({ type: networkType.optional(), ...changes, boot: bootPlace.nullable().optional() })
  .strict()
  .meta({ id: 'SetNetwork' });
export type SetNetwork = z.output<typeof setNetwork>;

const bind = z.string().max(64);
const forwardTo = {
  target: z
    .string()
    .max(4096)
    .describe('A machine (its name, its id or the path of its .vmx) or an IPv4 address of the network'),
  guestPort: port,
  description: z
    .string()
    .max(1024)
    .regex(/^\P{Cc}*$/u)
    .optional(),
};

export const addForward = z
  .object({
    transport,
    hostPort: port,
    ...forwardTo,
    bind: bind.default('127.0.0.1').describe('The IPv4 address of the host to listen on; 0.0.0.0 for all'),
  })
  .strict()
  .meta({ id: 'AddForward' });
export type AddForward = z.output<typeof addForward>;

export const setForward = z
  .object({
    ...forwardTo,
    bind: bind.optional().describe('As for a new one. Default: that of the old one, or 127.0.0.1'),
  })
  .strict()
  .meta({ id: 'SetForward' });
export type SetForward = z.output<typeof setForward>;

export const reserveAddress = z
  .object({ address: z.string().max(64) })
  .strict()
  .meta({ id: 'ReserveAddress' });

export const compatFiles = z
  .object({ path: z.string().describe('The directory with the files') })
  .meta({ id: 'CompatFiles' });
export type CompatFiles = z.infer<typeof compatFiles>;

export const lease = z
  .object({
    address: z.string(),
    mac: z.string(),
    machine: z
      .string()
      .nullable()
      .describe('Name of the machine with that adapter; null if a guest has made up the MAC'),
    hostName: z.string().nullable().describe('As the guest calls itself'),
    startedAt: z.string().describe('ISO 8601'),
    expiresAt: z.string().describe('ISO 8601'),
  })
  .meta({ id: 'Lease' });
export type Lease = z.infer<typeof lease>;

export const connectSsh = z
  .object({
    user: z.string().max(255).optional().describe('Default: the user of the cloud-init seed, if it is known'),
    wait: z.boolean().default(true).describe('Wait until the SSH server of the guest answers'),
    timeoutMs: z.int().min(1).max(86_400_000).default(60_000),
  })
  .strict()
  .meta({ id: 'ConnectSsh' });
export type ConnectSsh = z.output<typeof connectSsh>;

export const sshTarget = z
  .object({
    machine: z.string(),
    host: z.string().describe('The address of this host that leads to the guest'),
    port,
    user: z.string().nullable().describe('null: the default of ssh'),
    alias: z.string().describe('Name under which ssh remembers the host key, such as web.kame'),
    knownHosts: z.string().describe('Path of the file in which ssh remembers the host key'),
  })
  .meta({ id: 'SshTarget' });
export type SshTarget = z.infer<typeof sshTarget>;
