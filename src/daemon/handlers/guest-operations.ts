import type { guestFileOperations } from '../../api/guest-file-operations.ts';
import type { guestInfoOperations } from '../../api/guest-info-operations.ts';
import type { guestProcessOperations } from '../../api/guest-process-operations.ts';
import type { guestUserOperations } from '../../api/guest-user-operations.ts';
import { checkPassword } from '../../vm/inside/check-password.ts';
import {
  listFiles,
  makeDirectory,
  makeTemporary,
  removeFile,
  renameFile,
  statFile,
} from '../../vm/inside/files.ts';
import { changeGuestInfo, showGuestInfo } from '../../vm/inside/guest-info.ts';
import {
  killProcess,
  listProcesses,
  setVariable,
  showEnvironment,
  startProcess,
} from '../../vm/inside/processes.ts';
import { quiesce } from '../../vm/inside/quiesce.ts';
import { changeSshKeys, listSshKeys, listUsers, setPassword } from '../../vm/inside/users.ts';
import type { Handlers } from './handler.ts';

export const guestFileHandlers: Handlers<keyof typeof guestFileOperations> = {
  'guestFiles.list': ({ host }, { params, query, signal }) => listFiles(host, params.machine, query, signal),
  'guestFiles.stat': ({ host }, { params, query, signal }) => statFile(host, params.machine, query, signal),
  'guestFiles.makeDirectory': ({ host }, { params, body, signal }) =>
    makeDirectory(host, params.machine, body, signal),
  'guestFiles.remove': ({ host }, { params, body, signal }) => removeFile(host, params.machine, body, signal),
  'guestFiles.rename': ({ host }, { params, body, signal }) => renameFile(host, params.machine, body, signal),
  'guestFiles.makeTemporary': ({ host }, { params, body, signal }) =>
    makeTemporary(host, params.machine, body, signal),
};

export const guestProcessHandlers: Handlers<keyof typeof guestProcessOperations> = {
  'guestProcesses.list': ({ host }, { params, signal }) => listProcesses(host, params.machine, signal),
  'guestProcesses.start': ({ host }, { params, body, signal }) =>
    startProcess(host, params.machine, body, signal),
  'guestProcesses.kill': ({ host }, { params, body, signal }) =>
    killProcess(host, params.machine, body, signal),
  'guestEnvironment.show': ({ host }, { params, query, signal }) =>
    showEnvironment(host, params.machine, query.user, signal),
  'guestEnvironment.set': ({ host }, { params, body, signal }) =>
    setVariable(host, params.machine, body, signal),
};

export const guestInfoHandlers: Handlers<keyof typeof guestInfoOperations> = {
  'guestInfo.show': ({ host }, { params }) => showGuestInfo(host, params.machine),
  'guestInfo.set': ({ host }, { params, body }) => changeGuestInfo(host, params.machine, body),
};

export const guestUserHandlers: Handlers<keyof typeof guestUserOperations> = {
  'guestUsers.list': ({ host }, { params, signal }) => listUsers(host, params.machine, signal),
  'guestUsers.setPassword': ({ host }, { params, body, signal }) =>
    setPassword(host, params.machine, params.user, body, signal),
  'guestUsers.checkPassword': ({ host }, { params, body, signal }) =>
    checkPassword(host, params.machine, params.user, body, signal),
  'guestUsers.sshKeys': ({ host }, { params, signal }) =>
    listSshKeys(host, params.machine, params.user, signal),
  'guestUsers.addSshKeys': ({ host }, { params, body, signal }) =>
    changeSshKeys(host, params.machine, params.user, { add: body }, signal),
  'guestUsers.removeSshKeys': ({ host }, { params, body, signal }) =>
    changeSshKeys(host, params.machine, params.user, { remove: body }, signal),
  'machines.quiesce': ({ host }, { params }, progress) => quiesce(host, params.machine, progress),
};
