/**
 * Where each resource lives. A machine is named by its name, its id or the path of its `.vmx`; a snapshot by its label, its
 * path such as `/a/b`, or `#` and its uid; a disk by its slot or the name of its file.
 */
export const apiVersion = 'v1';
export const ndjson = 'application/x-ndjson';
/** Sent with every request; a daemon of another version is replaced (machines go on running). */
export const versionHeader = 'x-kame-version';
/** A UUID that a client gives a long operation, to cancel it by `DELETE /tasks/UUID` and still hear how it ended. */
export const taskHeader = 'x-kame-task';

const root = `/${apiVersion}`;
const of = (machine: string) => `${root}/machines/${encodeURIComponent(machine)}`;
const ofSnapshot = (machine: string, snapshot: string) =>
  `${of(machine)}/snapshots/${encodeURIComponent(snapshot)}`;
const ofDisk = (machine: string, disk: string) => `${of(machine)}/disks/${encodeURIComponent(disk)}`;

export const paths = {
  daemon: `${root}/daemon`,
  daemonStop: `${root}/daemon/stop`,
  doctor: `${root}/doctor`,
  events: `${root}/events`,
  tasks: `${root}/tasks`,
  task: (id: string) => `${root}/tasks/${encodeURIComponent(id)}`,
  images: `${root}/images`,
  imagePull: `${root}/images/pull`,
  imageImport: `${root}/images/import`,
  image: (id: string, arch?: string) =>
    `${root}/images/${encodeURIComponent(id)}${arch === undefined ? '' : `?arch=${arch}`}`,
  machines: `${root}/machines`,
  register: `${root}/machines/register`,
  machine: of,
  rename: (machine: string) => `${of(machine)}/rename`,
  unregister: (machine: string) => `${of(machine)}/unregister`,
  plan: (machine: string) => `${of(machine)}/plan`,
  start: (machine: string) => `${of(machine)}/start`,
  stop: (machine: string) => `${of(machine)}/stop`,
  restart: (machine: string) => `${of(machine)}/restart`,
  pause: (machine: string) => `${of(machine)}/pause`,
  unpause: (machine: string) => `${of(machine)}/unpause`,
  suspend: (machine: string) => `${of(machine)}/suspend`,
  clone: (machine: string) => `${of(machine)}/clone`,
  autoProtect: (machine: string) => `${of(machine)}/autoprotect`,
  snapshots: (machine: string) => `${of(machine)}/snapshots`,
  snapshot: ofSnapshot,
  deleteSnapshot: (machine: string, snapshot: string, children: boolean) =>
    `${ofSnapshot(machine, snapshot)}${children ? '?children=true' : ''}`,
  revert: (machine: string, snapshot: string) => `${ofSnapshot(machine, snapshot)}/revert`,
  disks: (machine: string) => `${of(machine)}/disks`,
  checkDisks: (machine: string) => `${of(machine)}/disks/check`,
  removeDisk: (machine: string, disk: string, keepFile: boolean) =>
    `${ofDisk(machine, disk)}${keepFile ? '?keepFile=true' : ''}`,
  growDisk: (machine: string, disk: string) => `${ofDisk(machine, disk)}/grow`,
  compactDisk: (machine: string, disk: string) => `${ofDisk(machine, disk)}/compact`,
  checkDisk: (machine: string, disk: string) => `${ofDisk(machine, disk)}/check`,
  addresses: (machine: string) => `${of(machine)}/addresses`,
  screenshot: (machine: string) => `${of(machine)}/screenshot`,
  /** `?follow=true` goes on with what is appended. */
  logs: (machine: string) => `${of(machine)}/logs`,
  /** WebSocket: binary messages both ways. */
  console: (machine: string) => `${of(machine)}/console`,
  /** WebSocket: see ExecRequest. */
  exec: (machine: string) => `${of(machine)}/exec`,
} as const;
