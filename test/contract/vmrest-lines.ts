import type { MachineNic } from '../../src/api/generated/shapes.ts';
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
export const [on, off] = [json([demoRunning]), json([demo])];
export const list = 'GET /v1/machines';

const shape = { bitsPerSecond: null, lossPerMille: 0, latencyMs: 0 };
export const nic: MachineNic = {
  index: 0,
  model: 'virtio-net',
  mac: '00:0c:29:00:00:01',
  network: 'nat',
  connected: true,
  receive: shape,
  transmit: shape,
  removable: false,
};
export const nicAnswer = { index: 1, type: 'nat', vmnet: 'vmnet8', macAddress: nic.mac };

const shares = {
  machine: 'demo',
  folders: [{ name: 'work', hostPath: '/home/ada', writable: true, state: 'shared', reason: null }],
};
const folder = { folder_id: 'work', host_path: '/home/ada', flags: 4 };
const information = { id, cpu: { processors: 2 }, memory: 1024 };
export const done = { Code: 0, Message: 'The operation was successful' };
const nothing = { num: 0, devices: [] };
const vmx: Parameters<FakeDaemon['on']>[1] = (response) => {
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  response.end('displayName = "demo"\nisolation.tools.copy.disable = "TRUE"\n');
};

const listLines: readonly Line[] = [
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

/** All lines but those of networks. */
export const machineLines: readonly Line[] = [...listLines, ...powerLines, ...folderLines];
