import { demo, demoDetails, demoRunning, forward, tree as snapshots } from './cli-samples.ts';
import { result } from './cli-run.ts';
import { json, problem, type FakeDaemon } from './cli-support.ts';

// What vmrun prints for the commands that no guest has to answer, to the byte.

/** What a command asks of the daemon besides the check of a password, and what it prints. */
export interface Golden {
  /** What the daemon answers, by method and path after that of the machine, or from /v1/ on. */
  readonly replies: Readonly<Record<string, Parameters<FakeDaemon['on']>[1]>>;
  readonly stdout?: string;
  readonly code?: number;
  readonly bodies?: readonly unknown[];
}
export type GoldenLine = readonly [argv: string[], expected: Golden];

export const V = '/v/m/m.vmx';
export const login = ['-gu', 'root', '-gp', 'secret'];
export const done = json({ ok: true });

const started = { ...demoRunning, timings: {}, acceleratorReason: '', waitedFor: 'none', stage: null };
const network = { name: 'vmnet8', type: 'nat', subnet: '192.168.3.0/24', dhcp: true };
const power: readonly GoldenLine[] = [
  [['start', V, 'nogui'], { replies: { 'POST /start': result(started) }, bodies: [{ wait: 'none' }] }],
  [['-T', 'fusion', 'start', V], { replies: { 'POST /start': result(started) } }],
  [
    ['start', V],
    {
      replies: {
        'POST /start': problem(409, 'WRONG_STATE', 'demo is already running.'),
        'GET ': json({ ...demoDetails, state: 'running' }),
      },
    },
  ],
  [['stop', V], { replies: { 'POST /stop': result(demo) }, bodies: [{ hard: false }] }],
  [['stop', V, 'hard nogui'], { replies: { 'POST /stop': result(demo) }, bodies: [{ hard: true }] }],
  [
    ['stop', V],
    {
      replies: {
        'POST /stop': json(
          { code: 'WRONG_STATE', message: 'No.', next: '', details: { state: 'stopped' } },
          409,
        ),
      },
      stdout: `Error: The virtual machine is not powered on: ${V}\n`,
      code: 255,
    },
  ],
  [
    ['reset', V, 'soft'],
    { replies: { 'POST /restart': result(started) }, bodies: [{ hard: false, wait: 'none' }] },
  ],
  [['suspend', V], { replies: { 'POST /suspend': result({ ...demo, stateBytes: 1, tookMs: 1 }) } }],
  [['pause', V], { replies: { 'POST /pause': result(demo) } }],
  [['unpause', V], { replies: { 'POST /unpause': result(demo) } }],
  [
    ['list'],
    {
      replies: {
        'GET /v1/machines': json([
          { ...demo, path: V },
          { ...demoRunning, path: '/v/a.vmx' },
          { ...demo, state: 'paused', path: '/v/b.vmx' },
          { ...demo, state: 'suspended', path: '/v/c.vmx' },
          { ...demo, state: 'unreachable', path: '/v/d\n.vmx' },
        ]),
      },
      stdout: 'Total running VMs: 3\n/v/a.vmx\n/v/b.vmx\n/v/d\\x0a.vmx\n',
    },
  ],
  [['LIST', 'junk'], { replies: { 'GET /v1/machines': json([]) }, stdout: 'Total running VMs: 0\n' }],
];

const snapshotRows: readonly GoldenLine[] = [
  [
    ['listSnapshots', V],
    {
      replies: { 'GET /snapshots': json(snapshots) },
      stdout: `Total snapshots: ${snapshots.length}\n${snapshots.map(({ label }) => `${label}\n`).join('')}`,
    },
  ],
  [
    ['listsnapshots', V, 'SHOWTREE'],
    {
      replies: {
        'GET /snapshots': json([
          { ...snapshots[0], label: 'a', depth: 0 },
          { ...snapshots[0], label: 'b', depth: 1 },
          { ...snapshots[0], label: 'c', depth: 2 },
        ]),
      },
      stdout: 'Total snapshots: 3\na\n\tb\n\t\tc\n',
    },
  ],
  [
    ['snapshot', V, 'new'],
    {
      replies: {
        'GET /snapshots': json([]),
        'POST /snapshots': result({ ...snapshots[0], stoppedMs: 1, notes: [] }),
      },
      bodies: [{ label: 'new' }],
    },
  ],
  [
    ['snapshot', V, 'a'],
    {
      replies: { 'GET /snapshots': json([{ ...snapshots[0], label: 'a' }]) },
      stdout: 'Error: A snapshot with the name already exists\n',
      code: 255,
    },
  ],
  [
    ['deleteSnapshot', V, 'a', 'andDeleteChildren'],
    {
      replies: { 'DELETE /snapshots/a?children=true': result({ deleted: ['a'], bytesFreed: 0, notes: [] }) },
    },
  ],
  [
    ['revertToSnapshot', V, '/a/b'],
    {
      replies: {
        [`POST /snapshots/${encodeURIComponent('/a/b')}/revert`]: result({
          ...demo,
          snapshot: 'b',
          notes: [],
        }),
      },
      bodies: [{ start: false }],
    },
  ],
  [
    ['revertToSnapshot', V, 'x'],
    {
      replies: {
        'POST /snapshots/x/revert': json(
          {
            code: 'NO_SUCH_SNAPSHOT',
            message: 'demo has no snapshot x.',
            next: '',
            details: { snapshot: 'x' },
          },
          404,
        ),
      },
      stdout: "Error: Invalid snapshot name 'x'\n",
      code: 255,
    },
  ],
];

const networkRows: readonly GoldenLine[] = [
  [
    ['listHostNetworks'],
    {
      replies: {
        'GET /v1/networks': json([
          network,
          { ...network, name: 'vmnet1', type: 'hostonly', subnet: '172.16.0.0/16' },
          { ...network, name: 'lab', type: 'private', subnet: null, dhcp: false },
        ]),
      },
      stdout: [
        'Total host networks: 4',
        'INDEX  NAME         TYPE         DHCP         SUBNET           MASK',
        '0      vmnet0       bridged      false        empty            empty',
        '1      vmnet1       hostOnly     true         172.16.0.0       255.255.0.0',
        '8      vmnet8       nat          true         192.168.3.0      255.255.255.0',
        '9      lab          hostOnly     false        empty            empty',
        '',
      ].join('\n'),
    },
  ],
  [
    ['listNetworkAdapters', V],
    {
      replies: {
        'GET /nics': json([
          { index: 0, network: 'nat' },
          { index: 2, network: 'vmnet5' },
        ]),
      },
      stdout:
        'Total network adapters: 2\nINDEX  TYPE         VMNET\n0      nat          vmnet8\n2      custom       vmnet5\n',
    },
  ],
  [['listNetworkAdapters', V], { replies: { 'GET /nics': json([]) }, stdout: 'Total network adapters: 0\n' }],
  [
    ['addNetworkAdapter', V, 'custom', 'VMnet5'],
    { replies: { 'POST /nics': json({}) }, bodies: [{ network: 'vmnet5' }] },
  ],
  [
    ['setNetworkAdapter', V, '1', 'hostonly'],
    { replies: { 'PATCH /nics/1': json({}) }, bodies: [{ network: 'hostonly' }] },
  ],
  [['deleteNetworkAdapter', V, '1'], { replies: { 'DELETE /nics/1': json({}) } }],
  [
    ['connectNamedDevice', V, 'Ethernet0'],
    { replies: { 'PATCH /nics/0': json({}) }, bodies: [{ connected: true }] },
  ],
  [
    ['disconnectNamedDevice', V, 'ethernet0'],
    { replies: { 'PATCH /nics/0': json({}) }, bodies: [{ connected: false }] },
  ],
  [
    ['listPortForwardings', 'VMnet8'],
    {
      replies: { 'GET /v1/networks/vmnet8/forwards': json([forward]) },
      stdout: [
        'Total port forwardings: 1',
        'INDEX  PROTOCOL     HOST PORT    GUEST IP         GUEST PORT   DESCRIPTION',
        '0      tcp          8080         192.168.3.9      80           web',
        '',
      ].join('\n'),
    },
  ],
  [
    ['listPortForwardings', 'vmnet8'],
    { replies: { 'GET /v1/networks/vmnet8/forwards': json([]) }, stdout: 'Total port forwardings: 0\n' },
  ],
  [
    ['setPortForwarding', 'vmnet8', 'TCP', '8081', '192.168.3.9', '80', 'web server'],
    {
      replies: { 'PUT /v1/networks/vmnet8/forwards/tcp/8081': json(forward) },
      bodies: [{ target: '192.168.3.9', guestPort: 80, description: 'web server' }],
    },
  ],
  [
    ['deletePortForwarding', 'vmnet8', 'tcp', '8080'],
    { replies: { 'DELETE /v1/networks/vmnet8/forwards/tcp/8080': done } },
  ],
];

const shares = json({ folders: [{ name: 'work', hostPath: '/h/work' }] });
const libraryRows: readonly GoldenLine[] = [
  [
    ['enableSharedFolders', V, 'runtime'],
    { replies: { 'PATCH /shares': shares }, bodies: [{ allowed: true }] },
  ],
  [['disableSharedFolders', V], { replies: { 'PATCH /shares': shares }, bodies: [{ allowed: false }] }],
  [
    ['addSharedFolder', V, 'work', '/h/work'],
    {
      replies: { 'POST /shares': shares },
      bodies: [{ name: 'work', hostPath: '/h/work', readOnly: false }],
    },
  ],
  [
    ['setSharedFolderState', V, 'work', '/h/work', 'readonly'],
    {
      replies: { 'GET /shares': shares, 'POST /shares': shares },
      bodies: [{ name: 'work', hostPath: '/h/work', readOnly: true }],
    },
  ],
  [
    ['setSharedFolderState', V, 'work', '/h/other', 'writable'],
    { replies: { 'GET /shares': shares, 'DELETE /shares/work': shares, 'POST /shares': shares } },
  ],
  [
    ['setSharedFolderState', V, 'none', '/h', 'writable'],
    {
      replies: { 'GET /shares': shares },
      stdout: 'Error: The request refers to an object that does not exist\n',
      code: 255,
    },
  ],
  [['removeSharedFolder', V, 'work'], { replies: { 'DELETE /shares/work': shares } }],
  [['deleteVM', V, 'nogui'], { replies: { 'DELETE ': json({ ok: true, kept: [] }) } }],
  [
    ['deleteVM', V],
    {
      replies: {
        'DELETE ': json(
          { code: 'WRONG_STATE', message: 'No.', next: '', details: { state: 'running' } },
          409,
        ),
      },
      stdout: 'Error: The virtual machine should not be powered on. It is already running.\n',
      code: 255,
    },
  ],
  [
    ['clone', V, '/out/a/a.vmx', 'full'],
    {
      replies: {
        'GET /v1/machines': json([demo]),
        'POST /clone': result({ machines: [], agentMs: [], notes: [] }),
      },
      bodies: [{ name: 'a', kind: 'full', path: '/out/a/a.vmx' }],
    },
  ],
  [
    ['clone', V, 'rel/a.vmx', 'LINKED', '-snapshot=clean', '-cloneName=Demo'],
    {
      replies: {
        'GET /v1/machines': json([demo]),
        'POST /clone': result({ machines: [], agentMs: [], notes: [] }),
      },
    },
  ],
  [
    ['clone', V, '/out/a.vmx', 'linked', '-snapshot', 'clean'],
    {
      replies: {
        'GET /v1/machines': json([demo]),
        'POST /clone': result({ machines: [], agentMs: [], notes: [] }),
      },
      bodies: [{ name: 'a', kind: 'linked', path: '/out/a.vmx', snapshot: 'clean' }],
    },
  ],
  [['upgradevm', V], { replies: { 'GET ': json(demoDetails) } }],
  [
    ['register', V],
    { replies: { 'POST /v1/machines/register': json(demoDetails) }, bodies: [{ path: V, sameName: true }] },
  ],
  [['unregister', V], { replies: { 'POST /unregister': done } }],
  [
    ['listRegisteredVM'],
    {
      replies: { 'GET /v1/machines': json([{ ...demo, path: V }]) },
      stdout: `Total registered VMs: 1\n${V}\n`,
    },
  ],
  [['downloadPhotonVM', '/x'], { replies: {}, stdout: 'Error: The operation is not supported\n', code: 255 }],
];

export const machineLines: readonly GoldenLine[] = [power, snapshotRows, networkRows, libraryRows].flat();
