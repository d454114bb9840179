import type { Command } from '@commander-js/extra-typings';
import type { Session } from '../session.ts';

/** The export of a verb's file: adds the verb, with its arguments, help and action, to the program. */
export type Define = (program: Command, session: Session) => void;

export interface Verb {
  readonly name: string;
  readonly alias?: string;
  readonly group: string;
  readonly summary: string;
  /** Loads the verb, only if it is used. */
  load(): Promise<{ define: Define }>;
}

const machines = 'Machines:';
const power = 'Power:';
const states = 'Snapshots, clones and disks:';
const guest = 'In the guest:';
const networks = 'Networks:';
const host = 'Images, host and daemon:';

/** THE TABLE of verbs, the source of help, suggestions, completion and the user guide. */
export const verbs: readonly Verb[] = [
  { name: 'create', group: machines, summary: 'create a machine', load: () => import('./create.ts') },
  {
    name: 'list',
    alias: 'ls',
    group: machines,
    summary: 'list all machines',
    load: () => import('./list.ts'),
  },
  {
    name: 'show',
    group: machines,
    summary: 'show the details of a machine',
    load: () => import('./show.ts'),
  },
  { name: 'set', group: machines, summary: 'change settings of a machine', load: () => import('./set.ts') },
  {
    name: 'rename',
    group: machines,
    summary: 'rename a machine',
    load: () => import('./rename.ts'),
  },
  {
    name: 'repair',
    group: machines,
    summary: 're-link a machine with its clones, or with its original',
    load: () => import('./repair.ts'),
  },
  {
    name: 'delete',
    group: machines,
    summary: 'delete a machine and its disks',
    load: () => import('./delete.ts'),
  },
  {
    name: 'import',
    group: machines,
    summary: 'import a machine of VMware, an appliance or a disk',
    load: () => import('./import.ts'),
  },
  {
    name: 'export',
    group: machines,
    summary: 'export a machine to OVA, OVF or a bundle of VMware',
    load: () => import('./export.ts'),
  },
  {
    name: 'register',
    group: machines,
    summary: 'add an existing machine to the list',
    load: () => import('./register.ts'),
  },
  {
    name: 'unregister',
    group: machines,
    summary: 'remove a machine from the list and keep its files',
    load: () => import('./unregister.ts'),
  },
  { name: 'start', group: power, summary: 'start or resume machines', load: () => import('./start.ts') },
  { name: 'stop', group: power, summary: 'shut machines down', load: () => import('./stop.ts') },
  {
    name: 'restart',
    group: power,
    summary: 'shut machines down and start them again',
    load: () => import('./restart.ts'),
  },
  { name: 'pause', group: power, summary: 'pause machines', load: () => import('./pause.ts') },
  { name: 'unpause', group: power, summary: 'resume paused machines', load: () => import('./unpause.ts') },
  {
    name: 'suspend',
    group: power,
    summary: 'suspend machines to disk',
    load: () => import('./suspend.ts'),
  },
  {
    name: 'snapshot',
    group: states,
    summary: 'take snapshots and revert to them',
    load: () => import('./snapshot.ts'),
  },
  {
    name: 'autoprotect',
    group: states,
    summary: 'take snapshots at regular intervals',
    load: () => import('./autoprotect.ts'),
  },
  {
    name: 'clone',
    group: states,
    summary: 'clone a machine: full, linked or instant',
    load: () => import('./clone.ts'),
  },
  {
    name: 'disk',
    group: states,
    summary: 'list, add, grow, compact, check and remove disks',
    load: () => import('./disk.ts'),
  },
  {
    name: 'nic',
    group: states,
    summary: 'list, add, change and remove network adapters',
    load: () => import('./nic.ts'),
  },
  {
    name: 'capture',
    group: states,
    summary: 'capture the traffic of a network adapter',
    load: () => import('./capture.ts'),
  },
  {
    name: 'console',
    group: guest,
    summary: 'connect to the serial console; Ctrl-] leaves',
    load: () => import('./console.ts'),
  },
  {
    name: 'copy',
    group: guest,
    summary: 'copy files into and out of the guest',
    load: () => import('./copy.ts'),
  },
  {
    name: 'share',
    group: guest,
    summary: 'share folders of this computer with the guest',
    load: () => import('./share.ts'),
  },
  { name: 'exec', group: guest, summary: 'run a command in the guest', load: () => import('./exec.ts') },
  {
    name: 'guest',
    group: guest,
    summary: 'processes, files, users and scripts in the guest',
    load: () => import('./guest.ts'),
  },
  {
    name: 'shell',
    group: guest,
    summary: 'open a shell in the guest',
    load: () => import('./shell.ts'),
  },
  {
    name: 'tools',
    group: guest,
    summary: 'show and install the agents in the guest',
    load: () => import('./tools.ts'),
  },
  { name: 'ssh', group: guest, summary: 'connect to the guest by SSH', load: () => import('./ssh.ts') },
  {
    name: 'ssh-config',
    group: guest,
    summary: 'print the configuration of ssh for guests',
    load: () => import('./ssh-config.ts'),
  },
  { name: 'ip', group: guest, summary: 'print the IP address of the guest', load: () => import('./ip.ts') },
  {
    name: 'screenshot',
    group: guest,
    summary: 'save a screenshot',
    load: () => import('./screenshot.ts'),
  },
  {
    name: 'sound',
    group: guest,
    summary: 'record the sound of the guest',
    load: () => import('./sound.ts'),
  },
  {
    name: 'resolution',
    group: guest,
    summary: 'print or change the resolution of the display',
    load: () => import('./resolution.ts'),
  },
  {
    name: 'clipboard',
    group: guest,
    summary: 'read, set and watch the clipboard of the guest',
    load: () => import('./clipboard.ts'),
  },
  { name: 'logs', group: guest, summary: 'print the log of a machine', load: () => import('./logs.ts') },
  {
    name: 'network',
    group: networks,
    summary: 'list, create and change networks and port forwards',
    load: () => import('./network.ts'),
  },
  { name: 'open', group: host, summary: 'open the web desktop', load: () => import('./open.ts') },
  {
    name: 'web',
    group: host,
    summary: 'open the web desktop to other computers; its users',
    load: () => import('./web.ts'),
  },
  {
    name: 'events',
    group: host,
    summary: 'print events as they happen',
    load: () => import('./events.ts'),
  },
  {
    name: 'image',
    group: host,
    summary: 'list, download, import and delete images',
    load: () => import('./image.ts'),
  },
  { name: 'doctor', group: host, summary: 'check this host for problems', load: () => import('./doctor.ts') },
  {
    name: 'daemon',
    group: host,
    summary: 'run, start, stop or show the daemon',
    load: () => import('./daemon.ts'),
  },
  {
    name: 'compat',
    group: host,
    summary: 'stand-ins for programs of VMware',
    load: () => import('./compat.ts'),
  },
  {
    name: 'api',
    group: host,
    summary: 'call any operation of the API',
    load: () => import('./api.ts'),
  },
  {
    name: 'completion',
    group: host,
    summary: 'print a completion script for a shell',
    load: () => import('./completion.ts'),
  },
  { name: 'version', group: host, summary: 'print the version', load: () => import('./version.ts') },
];

/** The verb of that name or alias. */
export function findVerb(word: string | undefined): Verb | undefined {
  return word === undefined ? undefined : verbs.find(({ name, alias }) => name === word || alias === word);
}
