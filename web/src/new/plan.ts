import type { CreateMachine, Image } from '../../../src/api/generated/shapes.ts';
import { messageOf } from '../../../src/core/errors.ts';
import { parseSize } from '../../../src/core/units.ts';
import { findGuestOs, guestOsCatalogue } from '../../../src/model/guest-os.ts';
import { checkMachineName } from '../../../src/model/name.ts';

/** What a new machine begins with. */
export type Source =
  | { readonly kind: 'image'; readonly image: Image }
  /** An ISO on the computer of the daemon, with a system to install. */
  | { readonly kind: 'iso'; readonly path: string; readonly guestOS: string };

/** What a person has written. Empty fields stand for the defaults of the system. */
export interface Form {
  readonly name: string;
  readonly cpus: string;
  readonly memory: string;
  readonly disk: string;
  readonly user: string;
  readonly sshKey: string;
}

export const emptyForm: Form = { name: '', cpus: '', memory: '', disk: '', user: '', sshKey: '' };

/** The defaults of a source, as the form shows them; undefined where it has none of its own. */
export function defaultsOf(source: Source): { cpus: number; memoryMiB: number; diskGiB: number | undefined } {
  if (source.kind === 'image' && source.image.source === 'embedded')
    return { cpus: 2, memoryMiB: 512, diskGiB: undefined };
  const guestOS = source.kind === 'iso' ? source.guestOS : (source.image.guestOS ?? '');
  const { cpus, memoryMiB, diskGiB } = findGuestOs(guestOS).os;
  return { cpus, memoryMiB, diskGiB };
}

/** What a machine is named after. */
export function stemOf(source: Source): string {
  return source.kind === 'iso' ? 'machine' : source.image.id;
}

/** The systems that can be installed, by name. */
export const installable: readonly { readonly value: string; readonly label: string }[] = guestOsCatalogue
  .map(({ id, name }) => ({ value: id, label: name }))
  .sort((a, b) => a.label.localeCompare(b.label));

/** The request that a form stands for, or what is wrong with it, by its field. */
export function planOf(
  source: Source,
  form: Form,
): { readonly request: CreateMachine } | { readonly field: keyof Form | 'source'; readonly problem: string } {
  let field: keyof Form | 'source' = 'name';
  try {
    const name = form.name.trim();
    checkMachineName(name);
    field = 'cpus';
    const cpus = form.cpus.trim() === '' ? undefined : Number(form.cpus);
    field = 'memory';
    const memoryBytes = form.memory.trim() === '' ? undefined : parseSize(form.memory, 'memory');
    field = 'disk';
    const diskBytes = form.disk.trim() === '' ? undefined : parseSize(form.disk, 'disk');
    field = 'source';
    if (source.kind === 'iso' && !source.path.startsWith('/')) return { field, problem: '' };
    const request = {
      name,
      ...(cpus === undefined ? {} : { cpus }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      ...(diskBytes === undefined ? {} : { diskBytes }),
      ...(source.kind === 'iso'
        ? { iso: source.path, guestOS: source.guestOS }
        : { ...ofImage(source.image), ...login(source.image, form) }),
    };
    return { request };
  } catch (error) {
    return { field, problem: messageOf(error) };
  }
}

function ofImage({ id, arch }: Image): Pick<CreateMachine, 'image' | 'arch'> {
  return arch === 'aarch64' || arch === 'x86_64' ? { image: id, arch } : { image: id };
}

/** Images of the catalogue have cloud-init, which makes the user. */
function login({ source }: Image, { user, sshKey }: Form): Pick<CreateMachine, 'user' | 'sshKeys'> {
  if (source !== 'catalogue') return {};
  return {
    ...(user.trim() === '' ? {} : { user: user.trim() }),
    ...(sshKey.trim() === '' ? {} : { sshKeys: [sshKey.trim()] }),
  };
}
