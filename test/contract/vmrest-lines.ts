import type { MachineNic, Network, NetworkForward } from '../../src/api/generated/shapes.ts';
import { idOf } from '../../src/cli/vmrest/machine-id.ts';
import type { OperationId } from '../../src/cli/vmrest/operations.ts';
import { result } from './cli-run.ts';
import { demo, demoDetails, demoRunning } from './cli-samples.ts';
import { json, type FakeDaemon } from './cli-support.ts';

// What vmrest answers to each operation, and what it asks of the daemon for it.

export interface Line {
  readonly id: OperationId;
  /** Below /api. */
  readonly path: string;
  readonly body?: unknown;
  /** What the daemon answers, by method and path after that of the machine, or from /v1/ on. */
  readonly replies: Readonly<Record<string, Parameters<FakeDaemon['on']>[1]>>;
  /** The bodies that the daemon is sent. */
  readonly sent?: readonly unknown[];
  /** undefined for a 204. */
  readonly answer?: unknown;
}

/** The machine that all lines are about. */
export const machine = demo;
export const id = idOf(demo);
const [on, off] = [json([demoRunning]), json([demo])];
const list = 'GET /v1/machines';

const shape = { bitsPerSecond: null, lossPerMille: 0, latencyMs: 0 };
const nic: MachineNic = {
  index: 0,
  model: 'virtio-net',
  mac: '00:0c:29:00:00:01',
  network: 'nat',
  connected: true,
  receive: shape,
  transmit: shape,
  removable: false,
};
const nicAnswer = { index: 1, type: 'nat', vmnet: 'vmnet8', macAddress: nic.mac };

const vmnet8: Network = {
  name: 'vmnet8',
  type: 'nat',
  broken: null,
  subnet: '192.168.3.0/24',
  dhcp: true,
  mtu: 1500,
  interface: null,
  hostLoopback: false,
  boot: null,
  running: false,
  machines: [],
};
const forward: NetworkForward = {
  transport: 'tcp',
  bind: '127.0.0.1',
  hostPort: 8080,
  machine: 'web',
  machineId: null,
  address: '192.168.3.9',
  guestPort: 80,
  automatic: false,
  state: 'waiting',
  reason: null,
};
const shares = {
  machine: 'demo',
  folders: [{ name: 'work', hostPath: '/home/ada', writable: true, state: 'shared', reason: null }],
};
const folder = { folder_id: 'work', host_path: '/home/ada', flags: 4 };
const information = { id, cpu: { processors: 2 }, memory: 1024 };
const done = { Code: 0, Message: 'The operation was successful' };
const nothing = { num: 0, devices: [] };
const vmx: Parameters<FakeDaemon['on']>[1] = (response) => {
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  response.end('displayName = "demo"\nisolation.tools.copy.disable = "TRUE"\n');
};

const machineLines: readonly Line[] = [
  { id: 'getAllVMs', path: '/vms', replies: { [list]: off }, answer: [{ id, path: demo.path }] },
  {
    id: 'createVM',
    path: '/vms',
    body: { name: 'copy', parentId: id },
    replies: { [list]: off, 'POST /clone': result({ machines: [demo], agentMs: [], notes: [] }) },
    sent: [{ name: 'copy', kind: 'full' }],
    answer: information,
  },
  {
    id: 'registerVM',
    path: '/vms/registration',
    body: { name: 'x', path: demo.path },
    replies: { 'POST /v1/machines/register': json(demoDetails) },
    sent: [{ path: demo.path, sameName: true }],
    answer: { id, path: demo.path },
  },
  { id: 'getVM', path: `/vms/${id}`, replies: { [list]: off }, answer: information },
  {
    id: 'updateVM',
    path: `/vms/${id}`,
    body: { processors: 2, memory: 1024 },
    replies: { [list]: off, 'PATCH ': json(demoDetails) },
    sent: [
      {
        settings: [
          { key: 'numvcpus', value: '2' },
          { key: 'memsize', value: '1024' },
        ],
      },
    ],
    answer: information,
  },
  { id: 'deleteVM', path: `/vms/${id}`, replies: { [list]: off, 'DELETE ': json({ ok: true, kept: [] }) } },
  {
    id: 'getVMRestrictions',
    path: `/vms/${id}/restrictions`,
    replies: { [list]: off, 'GET ': json(demoDetails), 'GET /vmx': vmx, 'GET /nics': json([nic]) },
    answer: {
      ...information,
      managedOrg: '',
      integrityconstraint: 'false',
      applianceView: { author: '', version: '', port: 0, showAtPowerOn: 'false' },
      cddvdList: nothing,
      floopyList: nothing,
      firewareType: 2,
      guestIsolation: {
        copyDisabled: 'true',
        dndDisabled: 'false',
        hgfsDisabled: 'true',
        pasteDisabled: 'false',
      },
      niclist: { num: 1, nics: [nicAnswer] },
      parallelPortList: nothing,
      serialPortList: nothing,
      usbList: { num: 0, usbDevices: [] },
      remoteVNC: { VNCEnabled: 'false', VNCPort: 0 },
    },
  },
  {
    id: 'getVMParams',
    path: `/vms/${id}/params/displayName`,
    replies: { [list]: off, 'GET /vmx': vmx },
    answer: { name: 'displayName', value: 'demo' },
  },
  ...(['configVMParams', 'configVMParamsOld'] as const).map((operation) => ({
    id: operation,
    path: `/vms/${id}/${operation === 'configVMParams' ? 'params' : 'configparams'}`,
    body: { name: 'guestinfo.a', value: 'b' },
    replies: { [list]: off, 'PATCH ': json(demoDetails) },
    sent: [{ settings: [{ key: 'guestinfo.a', value: 'b' }] }],
    answer: done,
  })),
];

const powerLines: readonly Line[] = [
  {
    id: 'getPowerState',
    path: `/vms/${id}/power`,
    replies: { [list]: on },
    answer: { power_state: 'poweredOn' },
  },
  ...(
    [
      ['on', '/start', [{ wait: 'none' }]],
      ['"on"', '/start', [{ wait: 'none' }]],
      ['off', '/stop', [{ hard: true }]],
      ['shutdown', '/stop', [{ hard: false }]],
      ['suspend', '/suspend', []],
      ['pause', '/pause', []],
      ['unpause', '/unpause', []],
    ] as const
  ).map(([word, path, sent]) => ({
    id: 'changePowerState' as const,
    path: `/vms/${id}/power`,
    body: word,
    replies: { [list]: on, [`POST ${path}`]: result(demoRunning) },
    sent,
    answer: { power_state: 'poweredOn' },
  })),
];

const nicLines: readonly Line[] = [
  {
    id: 'getAllNICDevices',
    path: `/vms/${id}/nic`,
    replies: { [list]: off, 'GET /nics': json([nic, { ...nic, index: 2, network: 'lab' }]) },
    answer: { num: 2, nics: [nicAnswer, { ...nicAnswer, index: 3, type: 'custom', vmnet: 'lab' }] },
  },
  {
    id: 'createNICDevice',
    path: `/vms/${id}/nic`,
    body: { type: 'custom', vmnet: 'VMnet8' },
    replies: { [list]: off, 'POST /nics': json(nic) },
    sent: [{ network: 'vmnet8' }],
    answer: nicAnswer,
  },
  {
    id: 'updateNICDevice',
    path: `/vms/${id}/nic/1`,
    body: { type: 'hostonly', vmnet: '' },
    replies: { [list]: off, 'PATCH /nics/0': json({ ...nic, network: 'hostonly' }) },
    sent: [{ network: 'hostonly' }],
    answer: { ...nicAnswer, type: 'hostonly', vmnet: 'vmnet1' },
  },
  { id: 'deleteNICDevice', path: `/vms/${id}/nic/10`, replies: { [list]: off, 'DELETE /nics/9': json(nic) } },
  {
    id: 'getIPAddress',
    path: `/vms/${id}/ip`,
    replies: { [list]: on, 'GET /addresses': json({ ip: '192.168.3.9', interfaces: [] }) },
    answer: { ip: '192.168.3.9' },
  },
  {
    id: 'getNicInfo',
    path: `/vms/${id}/nicips`,
    replies: {
      [list]: on,
      'GET /addresses': json({
        ip: '192.168.3.9',
        interfaces: [
          { name: 'lo', mac: '00:00:00:00:00:00', addresses: [{ address: '127.0.0.1', prefix: 8 }] },
          { name: 'sit0', mac: null, addresses: [] },
          { name: 'eth0', mac: nic.mac, addresses: [{ address: '192.168.3.9', prefix: 24 }] },
        ],
      }),
    },
    answer: { nics: [{ mac: nic.mac, ip: ['192.168.3.9/24'] }], routes: [] },
  },
];

const folderLines: readonly Line[] = [
  {
    id: 'getAllSharedFolders',
    path: `/vms/${id}/sharedfolders`,
    replies: { [list]: off, 'GET /shares': json(shares) },
    answer: [folder],
  },
  {
    id: 'createSharedFolder',
    path: `/vms/${id}/sharedfolders`,
    body: folder,
    replies: { [list]: off, 'GET /shares': json({ ...shares, folders: [] }), 'POST /shares': json(shares) },
    sent: [{ name: 'work', hostPath: '/home/ada', readOnly: false }],
    answer: [folder],
  },
  {
    id: 'updataSharedFolder',
    path: `/vms/${id}/sharedfolders/work`,
    body: { host_path: '/srv', flags: 0 },
    replies: {
      [list]: off,
      'GET /shares': json(shares),
      'DELETE /shares/work': json({ ...shares, folders: [] }),
      'POST /shares': json(shares),
    },
    sent: [{ name: 'work', hostPath: '/srv', readOnly: true }],
    answer: [folder],
  },
  {
    id: 'deleteSharedFolder',
    path: `/vms/${id}/sharedfolders/a%2Fb`,
    replies: { [list]: off, 'DELETE /shares/a%2Fb': json(shares) },
  },
];

const networkLines: readonly Line[] = [
  {
    id: 'getAllNetworks',
    path: '/vmnet',
    replies: { 'GET /v1/networks': json([vmnet8, { ...vmnet8, name: 'bad', type: null }]) },
    answer: {
      num: 2,
      vmnets: [
        { name: 'vmnet0', type: 'bridged', dhcp: 'false', subnet: '', mask: '' },
        { name: 'vmnet8', type: 'nat', dhcp: 'true', subnet: '192.168.3.0', mask: '255.255.255.0' },
      ],
    },
  },
  {
    id: 'createNetwork',
    path: '/vmnets',
    body: { name: 'vmnet2', type: 'hostOnly' },
    replies: { 'POST /v1/networks': json({ ...vmnet8, name: 'vmnet2', type: 'hostonly' }) },
    sent: [{ name: 'vmnet2', type: 'hostonly' }],
    answer: {
      name: 'vmnet2',
      type: 'hostOnly',
      dhcp: 'true',
      subnet: '192.168.3.0',
      mask: '255.255.255.0',
    },
  },
  {
    id: 'getMACToIPs',
    path: '/vmnet/VMnet8/mactoip',
    replies: {
      'GET /v1/networks/vmnet8': json({
        ...vmnet8,
        reservations: [{ mac: nic.mac, address: '192.168.3.9', machine: 'demo' }],
      }),
    },
    answer: { num: 1, mactoips: [{ vmnet: 'vmnet8', mac: nic.mac, ip: '192.168.3.9' }] },
  },
  {
    id: 'updateMacToIP',
    path: `/vmnet/vmnet8/mactoip/${nic.mac}`,
    body: { IP: '192.168.3.9' },
    replies: {
      [`PUT /v1/networks/vmnet8/reservations/${encodeURIComponent(nic.mac)}`]: json({
        mac: nic.mac,
        address: '192.168.3.9',
        machine: 'demo',
      }),
    },
    sent: [{ address: '192.168.3.9' }],
    answer: done,
  },
  {
    id: 'getPortforwards',
    path: '/vmnet/vmnet8/portforward',
    replies: { 'GET /v1/networks/vmnet8/forwards': json([forward]) },
    answer: {
      num: 1,
      port_forwardings: [
        { port: 8080, protocol: 'tcp', desc: 'web', guest: { ip: '192.168.3.9', port: 80 } },
      ],
    },
  },
  {
    id: 'updatePortforward',
    path: '/vmnet/vmnet8/portforward/tcp/8080',
    body: { guestIp: '192.168.3.10', guestPort: 81, desc: 'x' },
    replies: {
      'GET /v1/networks/vmnet8/forwards': json([forward]),
      'DELETE /v1/networks/vmnet8/forwards/tcp/8080': json({ ok: true }),
      'POST /v1/networks/vmnet8/forwards': json(forward),
    },
    sent: [{ transport: 'tcp', hostPort: 8080, target: '192.168.3.10', guestPort: 81 }],
    answer: done,
  },
  {
    id: 'deletePortforward',
    path: '/vmnet/vmnet8/portforward/tcp/8080',
    replies: { 'DELETE /v1/networks/vmnet8/forwards/tcp/8080': json({ ok: true }) },
  },
];

export const lines: readonly Line[] = [
  ...machineLines,
  ...powerLines,
  ...nicLines,
  ...folderLines,
  ...networkLines,
];
