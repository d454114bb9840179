import * as z from 'zod';

/** Shapes of vmrest, under VMware’s names, with its spelling. Most booleans are text. */

const named = <Schema extends z.ZodType>(id: string, schema: Schema): Schema => schema.meta({ id });

const yesNo = z.enum(['true', 'false']);
const number = z.int();
const ports = { min: 1, max: 65_535 } as const;

const processors = z.int().describe('Number of processor cores');
const memory = z.int().describe('Memory size in MB');
const cpu = named('VMCPU', z.object({ processors: processors.optional() }));

export const vmId = named('VMID', z.object({ id: z.string(), path: z.string() }));
export const vmInformation = named(
  'VMInformation',
  z.object({ id: z.string(), cpu: cpu.optional(), memory: memory.optional() }),
);
export const vmParameter = named(
  'VMParameter',
  z.object({ processors: processors.optional(), memory: memory.optional() }),
);
export const vmCloneParameter = named(
  'VMCloneParameter',
  z.object({ name: z.string().max(255), parentId: z.string().max(64) }),
);
export const vmRegisterParameter = named(
  'VMRegisterParameter',
  z.object({ name: z.string().max(255).optional(), path: z.string().max(4096) }),
);
export const vmRegistrationInformation = named(
  'VMRrgistrationInformation',
  z.object({ id: z.string(), path: z.string() }),
);
export const configParameter = named(
  'ConfigVMParamsParameter',
  z.object({ name: z.string().min(1).max(255), value: z.string().max(8192) }),
);

export const powerState = named(
  'VMPowerState',
  z.object({ power_state: z.enum(['poweredOn', 'poweredOff', 'paused', 'suspended']) }),
);
export const powerOperation = named(
  'VMPowerOperation',
  z.enum(['on', 'off', 'shutdown', 'suspend', 'pause', 'unpause']),
);

const flags = z.int().describe('4: the guest may read and write; 0: it may only read');
const folder = { host_path: z.string().max(4096), flags };
export const sharedFolder = named(
  'SharedFolder',
  z.object({ folder_id: z.string().min(1).max(255), ...folder }),
);
export const sharedFolders = named('SharedFolders', z.array(sharedFolder));
export const sharedFolderParameter = named('SharedFolderParameter', z.object(folder));

const nicType = z.enum(['bridged', 'nat', 'hostonly', 'custom']);
export const nicDevice = named(
  'NICDevice',
  z.object({
    index: z.int().describe('The first adapter has 1'),
    type: nicType,
    vmnet: z.string(),
    macAddress: z.string(),
  }),
);
export const nicDevices = named('NICDevices', z.object({ num: number, nics: z.array(nicDevice) }));
export const nicDeviceParameter = named(
  'NICDeviceParameter',
  z.object({
    type: nicType,
    vmnet: z.string().max(256).optional().describe('The name of the network, only for the type custom'),
  }),
);

const dns = named(
  'DnsConfig',
  z.object({
    hostname: z.string().optional(),
    domainname: z.string().optional(),
    server: z.array(z.string()).optional(),
    search: z.array(z.string()).optional(),
  }),
);
const wins = named('WinsConfig', z.object({ primary: z.string(), secondary: z.string() }));
const dhcp = named('DhcpConfig', z.object({ enabled: z.boolean(), setting: z.string() }));
const nicIpStack = named(
  'NicIpStack',
  z.object({
    mac: z.string(),
    ip: z.array(z.string()).optional().describe('In CIDR form'),
    dns: dns.optional(),
    wins: wins.optional(),
    dhcp4: dhcp.optional(),
    dhcp6: dhcp.optional(),
  }),
);
const route = named(
  'RouteEntry',
  z.object({
    dest: z.string(),
    prefix: number,
    nexthop: z.string().optional(),
    interface: number,
    type: number,
    metric: number,
  }),
);
export const nicIpStackAll = named(
  'NicIpStackAll',
  z.object({
    nics: z.array(nicIpStack).optional(),
    routes: z.array(route).optional(),
    dns: dns.optional(),
    wins: wins.optional(),
    dhcpv4: dhcp.optional(),
    dhcpv6: dhcp.optional(),
  }),
);
export const ipAddress = z.object({ ip: z.string() });

export const network = named(
  'Network',
  z.object({
    name: z.string(),
    type: z.enum(['bridged', 'nat', 'hostOnly']),
    dhcp: yesNo,
    subnet: z.string(),
    mask: z.string(),
  }),
);
export const networks = named('Networks', z.object({ num: number, vmnets: z.array(network) }));
export const createVmnetParameter = named(
  'CreateVmnetParameter',
  z.object({ name: z.string().max(255), type: z.enum(['nat', 'hostOnly']).optional() }),
);
const macToIp = named('MACToIP', z.object({ vmnet: z.string(), mac: z.string(), ip: z.string() }));
export const macToIps = named('MACToIPs', z.object({ num: number, mactoips: z.array(macToIp) }));
export const macToIpParameter = named('MacToIPParameter', z.object({ IP: z.string().max(64) }));

const port = z.int().min(ports.min).max(ports.max);
const portforward = named(
  'Portforward',
  z.object({
    port,
    protocol: z.enum(['tcp', 'udp']),
    desc: z.string(),
    guest: z.object({ ip: z.string(), port }),
  }),
);
export const portforwards = named(
  'Portforwards',
  z.object({ num: number, port_forwardings: z.array(portforward) }),
);
export const portforwardParameter = named(
  'PortforwardParameter',
  z.object({
    guestIp: z.string().max(64),
    guestPort: port,
    desc: z
      .string()
      .max(1024)
      .regex(/^\P{Cc}*$/u)
      .optional(),
  }),
);

const connectedDevice = named(
  'VMConnectedDevice',
  z.object({ index: number, startConnected: yesNo, connectionStatus: number, devicePath: z.string() }),
);
const connectedDevices = named(
  'VMConnectedDeviceList',
  z.object({ num: number, devices: z.array(connectedDevice) }),
);
const usbDevice = named(
  'VMUsbDevice',
  z.object({ index: number, connected: yesNo, backingInfo: z.string(), BackingType: number }),
);
export const restrictions = named(
  'VMRestrictionsInformation',
  z.object({
    id: z.string(),
    managedOrg: z.string(),
    integrityconstraint: yesNo,
    cpu,
    memory,
    applianceView: named(
      'VMApplianceView',
      z.object({ author: z.string(), version: z.string(), port: number, showAtPowerOn: yesNo }),
    ),
    cddvdList: connectedDevices,
    floopyList: connectedDevices,
    firewareType: number.describe('1: BIOS; 2: EFI'),
    guestIsolation: named(
      'VMGuestIsolation',
      z.object({ copyDisabled: yesNo, dndDisabled: yesNo, hgfsDisabled: yesNo, pasteDisabled: yesNo }),
    ),
    niclist: nicDevices,
    parallelPortList: connectedDevices,
    serialPortList: connectedDevices,
    usbList: named('VMUsbList', z.object({ num: number, usbDevices: z.array(usbDevice) })),
    remoteVNC: named('VMRemoteVNC', z.object({ VNCEnabled: yesNo, VNCPort: number })),
  }),
);

/** Errors, and the success of changes that have nothing else to say. The document of VMware has the names in lower case. */
export const errorModel = named('ErrorModel', z.object({ Code: z.int(), Message: z.string() }));
export type ErrorModel = z.infer<typeof errorModel>;
