import { demoDetails } from './cli-samples.ts';
import { result } from './cli-run.ts';
import { json, problem } from './cli-support.ts';
import { done, login, V, type Golden, type GoldenLine } from './vmrun-lines.ts';

// What vmrun prints for the commands in guests, to the byte.

const file = { type: 'file' };
const place = json({ path: '/tmp/vmwareX' });
const missing = json(
  { code: 'GUEST_FAILED', message: 'No.', next: '', details: { reason: 'noSuchFile' } },
  502,
);
const guestRows: readonly GoldenLine[] = [
  [
    [...login, 'fileExistsInGuest', V, '/a b'],
    {
      replies: { 'GET /guest/files/stat?path=%2Fa%20b&follow=true': json(file) },
      stdout: 'The file exists.\n',
    },
  ],
  [
    [...login, 'fileExistsInGuest', V, '/x'],
    {
      replies: { 'GET /guest/files/stat?path=%2Fx&follow=true': missing },
      stdout: 'The file does not exist.\n',
      code: 255,
    },
  ],
  [
    [...login, 'directoryExistsInGuest', V, '/x'],
    {
      replies: { 'GET /guest/files/stat?path=%2Fx&follow=true': json({ type: 'directory' }) },
      stdout: 'The directory exists.\n',
    },
  ],
  [
    [...login, 'directoryExistsInGuest', V, '/x'],
    {
      replies: { 'GET /guest/files/stat?path=%2Fx&follow=true': json(file) },
      stdout: 'The directory does not exist.\n',
      code: 255,
    },
  ],
  [
    [...login, 'listDirectoryInGuest', V, '/x'],
    {
      replies: {
        'GET /guest/files?path=%2Fx': json({ files: [{ name: 'a' }, { name: 'b\u001b' }], more: false }),
      },
      stdout: 'Directory list: 2\na\nb\\x1b\n',
    },
  ],
  [
    [...login, 'createDirectoryInGuest', V, '/x'],
    { replies: { 'POST /guest/files/directory': place }, bodies: [{ password: 'secret' }, { path: '/x' }] },
  ],
  [
    [...login, 'deleteFileInGuest', V, '/x'],
    { replies: { 'POST /guest/files/remove': place }, bodies: [{ password: 'secret' }, { path: '/x' }] },
  ],
  [
    [...login, 'deleteDirectoryInGuest', V, '/x'],
    {
      replies: { 'POST /guest/files/remove': place },
      bodies: [{ password: 'secret' }, { path: '/x', directory: true, recursive: true }],
    },
  ],
  [
    [...login, 'renameFileInGuest', V, '/x', '/y'],
    {
      replies: { 'POST /guest/files/rename': place },
      bodies: [{ password: 'secret' }, { path: '/x', to: '/y' }],
    },
  ],
  [
    [...login, 'deleteFileInGuest', V, '/x'],
    { replies: { 'POST /guest/files/remove': missing }, stdout: 'Error: A file was not found\n', code: 255 },
  ],
  [
    [...login, 'createTempfileInGuest', V],
    { replies: { 'POST /guest/files/temporary': place }, stdout: '/tmp/vmwareX\n' },
  ],
  [
    [...login, 'listProcessesInGuest', V],
    {
      replies: {
        'GET /guest/processes': json({
          processes: [
            { pid: 1, user: 'root', name: 'init', command: '/sbin/init' },
            { pid: 2, user: 'root', name: 'kthreadd', command: '' },
          ],
          more: false,
        }),
      },
      stdout: 'Process list: 2\npid=1, owner=root, cmd=/sbin/init\npid=2, owner=root, cmd=kthreadd\n',
    },
  ],
  [
    [...login, 'killProcessInGuest', V, '12'],
    { replies: { 'POST /guest/processes/kill': done }, bodies: [{ password: 'secret' }, { pid: 12 }] },
  ],
  [[...login, 'killProcessInGuest', V, '-1'], { replies: {}, stdout: 'Error: No such process\n', code: 255 }],
  [
    [...login, 'runProgramInGuest', V, '-noWait', '-INTERACTIVE', '/bin/x', '-noWait', 'a b'],
    {
      replies: { 'POST /guest/processes': json({ pid: 5, through: 'tools' }) },
      bodies: [{ password: 'secret' }, { command: ['/bin/x', '-noWait', 'a b'] }],
    },
  ],
  [
    [...login, 'runScriptInGuest', V, '-nowait', '/usr/bin/perl -w', 'print 1'],
    {
      replies: { 'POST /guest/processes': json({ pid: 5, through: 'tools' }) },
      bodies: [
        { password: 'secret' },
        { command: ['/usr/bin/perl', '-w'], script: { text: 'print 1', arguments: [] } },
      ],
    },
  ],
  [
    [...login, 'typeKeystrokesInGuest', V, 'ls\n'],
    { replies: { 'POST /keyboard': done }, bodies: [{ password: 'secret' }, { text: 'ls\n' }] },
  ],
  [
    ['getGuestIPAddress', V],
    { replies: { 'GET /addresses': json({ ip: '10.0.2.15', interfaces: [] }) }, stdout: '10.0.2.15\n' },
  ],
  [
    ['getGuestIPAddress', V],
    {
      replies: { 'GET /addresses': json({ ip: null, interfaces: [] }) },
      stdout: 'Error: Unable to get the IP address\n',
      code: 255,
    },
  ],
  [
    ['getGuestIPAddress', V],
    {
      replies: { 'GET /addresses': problem(409, 'GUEST_AGENT_MISSING', 'No.') },
      stdout: `Error: The VMware Tools are not running in the virtual machine: ${V}\n`,
      code: 255,
    },
  ],
  [
    ['checkToolsState', V],
    {
      replies: { 'GET /tools': json({ agents: [{ answers: false }, { answers: true }] }) },
      stdout: 'running\n',
    },
  ],
  [['checkToolsState', V], { replies: { 'GET /tools': json({ agents: [] }) }, stdout: 'unknown\n' }],
  [
    ['checkToolsState', V],
    { replies: { 'GET /tools': problem(409, 'WRONG_STATE', 'It is stopped.') }, stdout: 'unknown\n' },
  ],
  [['installTools', V], { replies: { 'POST /tools': result({ machine: 'demo', version: '1' }) } }],
];

const vmx: Golden['replies'][string] = (response) => {
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  response.end('displayName = "demo"\nguestinfo.y = "|22a|22 | b"\n');
};

const info = json({ variables: { 'guestinfo.y': 'ready' } });

const variableRows: readonly GoldenLine[] = [
  [
    ['readVariable', V, 'runtimeConfig', 'displayName'],
    {
      replies: { 'GET /vmx': vmx },
      stdout: 'demo\n',
    },
  ],
  [
    ['readVariable', V, 'runtimeConfig', 'guestinfo.Y'],
    { replies: { 'GET /vmx': vmx }, stdout: '"a" | b\n' },
  ],
  [['readVariable', V, 'guestVar', 'Y'], { replies: { 'GET /guest/info': info }, stdout: 'ready\n' }],
  [['readVariable', V, 'GUESTVAR', 'x'], { replies: { 'GET /guest/info': info }, stdout: '\n' }],
  [
    ['readVariable', V, 'guestVar', 'ip'],
    {
      replies: {
        'GET /guest/info': info,
        'GET /addresses': json({ ip: '10.0.2.15', interfaces: [] }),
      },
      stdout: '10.0.2.15\n',
    },
  ],
  [
    ['writeVariable', V, 'guestVar', 'x', 'a "b" |'],
    {
      replies: { 'PUT /guest/info': done },
      bodies: [{ name: 'guestinfo.x', value: 'a "b" |' }],
    },
  ],
  [
    ['writeVariable', V, 'guestVar', 'x', 'y'],
    {
      replies: {
        'PUT /guest/info': json(
          { code: 'WRONG_STATE', message: 'No.', next: '', details: { state: 'stopped' } },
          409,
        ),
      },
      stdout: `Error: The virtual machine is not powered on: ${V}\n`,
      code: 255,
    },
  ],
  [
    ['writeVariable', V, 'runtimeConfig', 'guestinfo.x', 'y'],
    {
      replies: { 'PATCH ': json(demoDetails) },
      bodies: [{ settings: [{ key: 'guestinfo.x', value: 'y' }] }],
    },
  ],
  [
    [...login, 'readVariable', V, 'guestEnv', 'PATH'],
    { replies: { 'GET /guest/environment': json({ variables: { PATH: '/bin' } }) }, stdout: '/bin\n' },
  ],
  [
    [...login, 'writeVariable', V, 'guestEnv', 'A', 'b'],
    {
      replies: { 'PUT /guest/environment': done },
      bodies: [{ password: 'secret' }, { name: 'A', value: 'b' }],
    },
  ],
  [
    ['readVariable', V, 'other', 'x'],
    { replies: {}, stdout: 'Error: One of the parameters was invalid\n', code: 255 },
  ],
];

export const guestLines: readonly GoldenLine[] = [guestRows, variableRows].flat();
