import * as z from 'zod';

/** Shapes of machines that the API sends and `kame … --json` prints. */

export const machineState = z
  .enum(['stopped', 'running', 'paused', 'suspended', 'unreachable', 'broken'])
  .meta({ id: 'MachineState' });
export const arch = z.enum(['aarch64', 'x86_64']).meta({ id: 'Arch' });
export const accelerator = z.enum(['kvm', 'hvf', 'tcg']).meta({ id: 'Accelerator' });

export const machine = z
  .object({
    name: z.string(),
    id: z.string().describe('UUID of the machine; empty if the .vmx cannot be read'),
    path: z
      .string()
      .describe(
        'Absolute path of the .vmx. In the list also of a directory or file that cannot be read, so that machines are missing',
      ),
    state: machineState,
    reason: z.string().nullable().describe('Why the machine is broken; null if it is not'),
    folder: z.string().describe('Folder of the library, with / between its names; empty for none'),
    guestOS: z.string().describe('VMware’s id of the guest system; empty if the .vmx cannot be read'),
    arch: arch.nullable().describe('null if the .vmx cannot be read'),
    accelerator: accelerator.nullable().describe('Accelerator in use; null while stopped'),
    cpus: z.int(),
    memoryBytes: z.int(),
    ip: z
      .string()
      .nullable()
      .describe('First IP address that is not loopback or link-local, as last reported by the guest agent'),
    agent: z.boolean().describe('Whether the guest agent answers'),
  })
  .meta({ id: 'Machine' });
export type Machine = z.infer<typeof machine>;
export type MachineState = z.infer<typeof machineState>;

export const problem = z
  .object({
    severity: z.enum(['error', 'warning']),
    key: z.string().describe('The .vmx key, or empty'),
    message: z.string(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problem>;

export const timings = z
  .object({
    spawnMs: z.number().describe('Time from the request to the start of the engine’s process'),
    qmpMs: z.number().describe('Time from the request to the engine’s first reply'),
    bootMs: z.number().nullable().describe('Time from the request to the first console line'),
    firmwareMs: z
      .number()
      .nullable()
      .describe('Time from the request to the firmware’s first message on the console'),
    kernelMs: z
      .number()
      .nullable()
      .describe('Time from the request to the first message of a Linux kernel on the console'),
    agentMs: z.number().nullable().describe('Time from the request to the guest agent’s first reply'),
    networkMs: z.number().nullable().describe('Time from the request to the guest’s first address'),
    loginMs: z.number().nullable().describe('Time from the request to a login prompt on the console'),
    desktopMs: z
      .number()
      .nullable()
      .describe('Time from the request to a graphical session with a SPICE agent'),
  })
  .meta({ id: 'Timings' });
export type Timings = z.infer<typeof timings>;

export const stage = z
  .enum(['console', 'firmware', 'kernel', 'agent', 'network', 'login', 'desktop'])
  .describe('A stage of a start; console is the first line on it')
  .meta({ id: 'Stage' });
export type Stage = z.infer<typeof stage>;

export const disk = z
  .object({
    slot: z.string().describe('Such as nvme0:0'),
    device: z.string().describe('Device that the guest sees, such as virtio-blk'),
    path: z.string(),
    format: z.string().nullable(),
    sizeBytes: z.int().nullable().describe('Size that the guest sees'),
    allocatedBytes: z.int().nullable().describe('Space that it takes on the host'),
  })
  .meta({ id: 'Disk' });
export type DiskInfo = z.infer<typeof disk>;

export const nic = z
  .object({
    device: z.string().describe('Such as ethernet0'),
    model: z.string(),
    connection: z.string().describe('As in the .vmx: nat, bridged, hostonly, custom or pvn (a LAN segment)'),
    network: z
      .string()
      .describe('nat, hostonly, bridged, the name of a network, or segment:ID for a LAN segment'),
    mac: z.string(),
  })
  .meta({ id: 'Nic' });

export const floppy = z
  .object({
    device: z.string().describe('Such as floppy0'),
    path: z.string().nullable().describe('null for an empty drive, or one of the host'),
    attached: z.boolean().describe('Whether the guest gets it; then it is write-protected'),
  })
  .meta({ id: 'Floppy' });

export const port = z
  .object({
    device: z.string().describe('Such as serial0 or parallel0'),
    kind: z.string().describe('file, device, pipe or network'),
    path: z.string().describe('As in the .vmx. No port is connected to it'),
  })
  .meta({ id: 'Port' });
export type Port = z.infer<typeof port>;

export const machineDetails = machine
  .extend({
    annotation: z.string(),
    firmware: z.string().describe('efi, bios or direct (the engine loads the kernel)'),
    machineType: z.string().nullable(),
    disks: z.array(disk),
    cdroms: z.array(z.object({ slot: z.string(), path: z.string().nullable() })),
    floppies: z.array(floppy),
    nics: z.array(nic),
    ports: z.array(port).describe('Serial and parallel ports in the .vmx'),
    image: z.string().nullable(),
    syncTime: z.boolean().describe('Whether Kame sets the guest’s clock: tools.syncTime'),
    clock: z
      .object({
        offsetMs: z.number().describe('Guest’s time less the host’s'),
        at: z.string().describe('When that was measured, ISO 8601'),
      })
      .nullable()
      .describe('null while the machine does not run, or if the guest agent does not tell the time'),
    outsideFiles: z
      .array(
        z.object({
          path: z.string(),
          use: z.string().describe('Such as: disk nvme0:0'),
          writable: z.boolean(),
          agreed: z.boolean().describe('False: the machine does not start before you agree'),
        }),
      )
      .describe('Files outside its directory that the machine gives to its guest'),
    acceleratorReason: z.string().nullable(),
    graphicsNote: z
      .string()
      .nullable()
      .describe(
        'What renders in 3D and what that costs, or why nothing does; null unless it runs and wants 3D',
      ),
    engineVersion: z.string().nullable(),
    pid: z.int().nullable().describe('Process id of the engine'),
    startedAt: z.string().nullable().describe('ISO 8601'),
    timings: timings.nullable().describe('Timings of the last start; null while stopped'),
    log: z.string().describe('Path of the machine’s log'),
    sockets: z
      .object({ monitor: z.string(), serial: z.string(), vnc: z.string() })
      .nullable()
      .describe('Socket paths while running; monitor is a QMP socket for use by hand'),
    problems: z.array(problem),
  })
  .meta({ id: 'MachineDetails' });
export type MachineDetails = z.infer<typeof machineDetails>;

export const createMachine = z
  .object({
    name: z.string(),
    image: z.string().optional().describe('tiny, an id from the catalogue, a path or a URL'),
    refresh: z
      .boolean()
      .optional()
      .describe('Download the image again, or its current version, even if a copy is cached'),
    iso: z.string().optional().describe('Path of an installation ISO'),
    arch: arch.optional().describe('Default: that of guestOS, else aarch64'),
    cpus: z.int().optional(),
    memoryBytes: z.int().optional(),
    diskBytes: z.int().optional(),
    guestOS: z.string().optional(),
    user: z.string().optional().describe('User that cloud-init creates'),
    sshKeys: z.array(z.string().max(16384)).max(64).optional(),
    settings: z
      .array(z.object({ key: z.string(), value: z.string() }))
      .max(256)
      .optional(),
  })
  .strict()
  .meta({ id: 'CreateMachine' });
export type CreateMachine = z.output<typeof createMachine>;

export const movedOrCopied = z
  .enum(['moved', 'copied'])
  .describe(
    'Answers the question of the error MOVED_OR_COPIED: a copy gets a UUID and MAC addresses of its own',
  )
  .meta({ id: 'MovedOrCopied' });
export type MovedOrCopied = z.infer<typeof movedOrCopied>;

export const settings = z
  .object({
    settings: z
      .array(z.object({ key: z.string(), value: z.string() }))
      .min(1)
      .max(256),
  })
  .strict()
  .meta({ id: 'Settings' });

export const waitFor = z.enum(['agent', 'boot', 'network', 'login', 'none']).meta({ id: 'WaitFor' });
export type WaitFor = z.infer<typeof waitFor>;

export const startMachine = z
  .object({
    wait: waitFor
      .default('agent')
      .describe(
        'agent: the first reply of the guest agent; boot: the first console line; network: the first address; login: a login prompt on the console; none: only the engine',
      ),
    timeoutMs: z.int().min(1).max(86_400_000).default(300_000),
    discardState: z
      .boolean()
      .default(false)
      .describe('Discard the suspended state and boot; unsaved data in the guest is lost'),
    movedOrCopied: movedOrCopied.optional(),
  })
  .strict()
  .meta({ id: 'StartMachine' });
export type StartMachine = z.output<typeof startMachine>;

export const startedMachine = machine
  .extend({
    timings,
    acceleratorReason: z.string(),
    waitedFor: waitFor,
    stage: stage
      .nullable()
      .describe('The stage that the guest is known to have reached last; timings tell when'),
    notes: z
      .array(z.string())
      .optional()
      .describe('What the user should know, such as why the RAM is not in a file'),
  })
  .meta({ id: 'StartedMachine' });
export type StartedMachine = z.infer<typeof startedMachine>;

export const stopMachine = z
  .object({
    hard: z.boolean().default(false).describe('Power off immediately, without shutting the guest down'),
    timeoutMs: z.int().min(1).max(86_400_000).default(90_000),
  })
  .strict()
  .meta({ id: 'StopMachine' });
export type StopMachine = z.output<typeof stopMachine>;

export const restartMachine = z
  .object({ ...stopMachine.shape, ...startMachine.pick({ wait: true, timeoutMs: true }).shape })
  .strict()
  .meta({ id: 'RestartMachine' });
export type RestartMachine = z.output<typeof restartMachine>;

export const launchPlan = z
  .object({
    binary: z.string(),
    args: z.array(z.string()),
    text: z.string().describe('The command line, one option per line, quoted for a shell'),
    accelerator,
    acceleratorReason: z.string(),
    machineType: z.string(),
    notes: z.array(z.string()),
    blockers: z
      .array(z.object({ device: z.string(), reason: z.string(), remedy: z.string() }))
      .describe('Devices that prevent saving the memory; empty if checkpoints are possible'),
  })
  .meta({ id: 'LaunchPlan' });
export type LaunchPlanReply = z.infer<typeof launchPlan>;

const networkInterface = z
  .object({
    name: z.string(),
    mac: z.string().nullable(),
    addresses: z.array(z.object({ address: z.string(), prefix: z.int() })),
  })
  .meta({ id: 'NetworkInterface' });
export const addresses = z
  .object({ ip: z.string().nullable(), interfaces: z.array(networkInterface) })
  .meta({ id: 'Addresses' });
export type Addresses = z.infer<typeof addresses>;
