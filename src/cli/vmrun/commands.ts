import type { Command, CommandGroup, Run } from './command.ts';

/** A command on a machine. @param loading the module whose export of that name does it */
function onMachine<Name extends string>(
  name: Name,
  summary: string,
  loading: () => Promise<Record<Uncapitalize<Name>, Run>>,
  more: Omit<Partial<Command>, 'name' | 'summary' | 'machine' | 'load'> = {},
): Command {
  const key = `${name.charAt(0).toLowerCase()}${name.slice(1)}` as Uncapitalize<Name>;
  return { name, summary, machine: true, ...more, load: async () => (await loading())[key] };
}

/** A command without a machine. */
function general<Name extends string>(
  name: Name,
  summary: string,
  loading: () => Promise<Record<Name, Run>>,
  args: readonly string[] = [],
  optionalArgs = 0,
): Command {
  return { name, summary, machine: false, args, optionalArgs, load: async () => (await loading())[name] };
}

const power = () => import('./power.ts');
const snapshots = () => import('./snapshots.ts');
const networks = () => import('./networks.ts');
const programs = () => import('./guest-programs.ts');
const files = () => import('./guest-files.ts');
const guest = () => import('./guest-state.ts');
const variables = () => import('./variables.ts');
const shares = () => import('./shares.ts');
const library = () => import('./library.ts');

/** The words that end a machine, or save it, with or without its guest. */
const hardOrSoft = { words: [['hard', 'soft']] };
const runtime = { words: [['runtime']] };
const program = ['-noWait', '-activeWindow', '-interactive'];
const inGuest = (...args: string[]) => ({ args });
const kinds = 'runtimeConfig|guestEnv|guestVar';

/** A command of old products, or of features that are gone, such as record and replay. */
const gone = (name: string, machine = true): Command => ({
  name,
  summary: 'Not supported',
  machine,
  load: async () => (await library()).unsupported,
});

/** THE TABLE of commands, the source of parsing and of the usage text. */
export const groups: readonly CommandGroup[] = [
  {
    title: 'POWER COMMANDS',
    commands: [
      onMachine('start', 'Start or resume a machine', power, { words: [['gui', 'nogui']] }),
      onMachine('stop', 'Shut a machine down, or power it off', power, hardOrSoft),
      onMachine('reset', 'Restart a machine', power, hardOrSoft),
      onMachine('suspend', 'Save a machine to disk and power it off', power, hardOrSoft),
      onMachine('pause', 'Pause a machine', power),
      onMachine('unpause', 'Continue a paused machine', power),
    ],
  },
  {
    title: 'SNAPSHOT COMMANDS',
    commands: [
      onMachine('listSnapshots', 'List the snapshots of a machine', snapshots, { words: [['showTree']] }),
      onMachine('snapshot', 'Take a snapshot', snapshots, inGuest('Snapshot name')),
      onMachine('deleteSnapshot', 'Delete a snapshot', snapshots, {
        args: ['Snapshot name'],
        words: [['andDeleteChildren']],
      }),
      onMachine('revertToSnapshot', 'Revert a machine to a snapshot', snapshots, inGuest('Snapshot name')),
    ],
  },
  {
    title: 'NETWORKADAPTER COMMANDS',
    commands: [
      onMachine('listNetworkAdapters', 'List the network adapters of a machine', networks),
      onMachine('addNetworkAdapter', 'Add a network adapter', networks, {
        args: ['Network adapter type', 'Host network name'],
        optionalArgs: 1,
      }),
      onMachine('setNetworkAdapter', 'Change the network of an adapter', networks, {
        args: ['Network adapter index', 'Network adapter type', 'Host network name'],
        optionalArgs: 1,
      }),
      onMachine(
        'deleteNetworkAdapter',
        'Remove a network adapter',
        networks,
        inGuest('Network adapter index'),
      ),
    ],
  },
  {
    title: 'HOST NETWORK COMMANDS',
    commands: [
      general('listHostNetworks', 'List the networks', networks),
      general('listPortForwardings', 'List the port forwards of a network', networks, ['Host network name']),
      general(
        'setPortForwarding',
        'Add or change a port forward',
        networks,
        ['Host network name', 'Protocol', 'Host port', 'Guest IP', 'Guest port', 'Description'],
        1,
      ),
      general('deletePortForwarding', 'Remove a port forward', networks, [
        'Host network name',
        'Protocol',
        'Host port',
      ]),
    ],
  },
  {
    title: 'GUEST OS COMMANDS',
    commands: [
      onMachine('runProgramInGuest', 'Run a program in the guest', programs, {
        leading: program,
        args: ['Complete path to program'],
        rest: 'Program arguments',
      }),
      onMachine('runScriptInGuest', 'Run a script in the guest', programs, {
        leading: program,
        args: ['Interpreter path', 'Script text'],
      }),
      onMachine('fileExistsInGuest', 'Tell whether a file exists', files, inGuest('Path in guest')),
      onMachine('directoryExistsInGuest', 'Tell whether a directory exists', files, inGuest('Path in guest')),
      onMachine('setSharedFolderState', 'Change a shared folder', shares, {
        args: ['Share name', 'Host path', 'writable|readonly'],
      }),
      onMachine(
        'addSharedFolder',
        'Share a folder with the guest',
        shares,
        inGuest('Share name', 'Host path'),
      ),
      onMachine('removeSharedFolder', 'Stop sharing a folder', shares, inGuest('Share name')),
      onMachine('enableSharedFolders', 'Permit shared folders', shares, runtime),
      onMachine('disableSharedFolders', 'Forbid shared folders', shares, runtime),
      onMachine('listProcessesInGuest', 'List the processes in the guest', programs),
      onMachine('killProcessInGuest', 'End a process in the guest', programs, inGuest('Process id')),
      onMachine('deleteFileInGuest', 'Delete a file in the guest', files, inGuest('Path in guest')),
      onMachine('createDirectoryInGuest', 'Make a directory in the guest', files, inGuest('Path in guest')),
      onMachine('deleteDirectoryInGuest', 'Delete a directory in the guest', files, inGuest('Path in guest')),
      onMachine('createTempfileInGuest', 'Make a temporary file in the guest', files),
      onMachine('listDirectoryInGuest', 'List a directory in the guest', files, inGuest('Path in guest')),
      onMachine('copyFileFromHostToGuest', 'Copy a file into the guest', files, {
        args: ['Path on host', 'Path in guest'],
      }),
      onMachine('copyFileFromGuestToHost', 'Copy a file out of the guest', files, {
        args: ['Path in guest', 'Path on host'],
      }),
      onMachine('renameFileInGuest', 'Rename a file in the guest', files, {
        args: ['Original path', 'New path'],
      }),
      onMachine('typeKeystrokesInGuest', 'Type on the keyboard of the guest', guest, inGuest('Keystrokes')),
      onMachine('connectNamedDevice', 'Connect a network adapter', networks, inGuest('Device name')),
      onMachine('disconnectNamedDevice', 'Disconnect a network adapter', networks, inGuest('Device name')),
      onMachine('captureScreen', 'Save a screenshot as PNG', guest, inGuest('Path on host')),
      onMachine('writeVariable', 'Set a variable', variables, { args: [kinds, 'Name', 'Value'] }),
      onMachine('readVariable', 'Print a variable', variables, { args: [kinds, 'Name'] }),
      onMachine('getGuestIPAddress', 'Print the IP address of the guest', guest, { words: [['-wait']] }),
    ],
  },
  {
    title: 'GENERAL COMMANDS',
    commands: [
      general('list', 'List the running machines', power),
      onMachine('upgradevm', 'Upgrade the hardware of a machine', library),
      onMachine('installTools', 'Install the tools in the guest', guest),
      onMachine('checkToolsState', 'Print the state of the tools: unknown, installed or running', guest),
      onMachine('register', 'Add a machine to the list', library),
      onMachine('unregister', 'Remove a machine from the list and keep its files', library),
      general('listRegisteredVM', 'List all machines', library),
      onMachine('deleteVM', 'Delete a machine', library),
      onMachine('clone', 'Clone a machine', library, {
        args: ['Path to destination vmx file', 'full|linked'],
        options: [
          ['-snapshot', 'Snapshot name'],
          ['-cloneName', 'Name'],
        ],
      }),
    ],
  },
  {
    title: 'OTHER COMMANDS',
    commands: [
      gone('downloadPhotonVM', false),
      ...['beginReplay', 'endReplay', 'beginRecording', 'endRecording'].map((name) => gone(name)),
      ...[
        'vprobeVersion',
        'vprobeLoad',
        'vprobeLoadFile',
        'vprobeReset',
        'vprobeListProbes',
        'vprobeListGlobals',
      ].map((name) => gone(name)),
    ],
  },
];

export const commands: readonly Command[] = groups.flatMap((group) => group.commands);
