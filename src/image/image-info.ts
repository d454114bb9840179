import type { Arch } from '../model/machine.ts';
import type { DownloadEntry } from './catalogue.ts';
import type { ImageLabel, StoredImage } from './image-store.ts';

/** What a machine is made from. */
export interface ImageSource {
  readonly id: string;
  /** Path of the disk (or, for iso, of the CD image). Read only: machines take copies. */
  readonly disk: string;
  readonly format: 'qcow2' | 'raw' | 'vmdk' | 'iso';
  readonly arch?: Arch;
  /** VMware guest OS id, where the catalogue tells it. */
  readonly guestOS?: string;
  /** The image's own default user. */
  readonly user?: string;
  /** Whether it makes sense to attach a NoCloud seed. */
  readonly cloudInit: boolean;
  /** For booting without firmware. */
  readonly directBoot?: { readonly kernel: string; readonly initrd: string; readonly commandLine: string };
  /** Something a person should know, such as that nothing proves the content. */
  readonly note?: string;
}

/** One row of `kame image list`. */
export interface ImageInfo {
  readonly id: string;
  readonly name: string;
  /** Undefined when it is not known. */
  readonly arch?: Arch;
  readonly source: 'embedded' | 'catalogue' | 'imported';
  readonly guestOS?: string;
  /** Of the file when cached, else about of the download. */
  readonly sizeBytes?: number;
  readonly cached: boolean;
  readonly path?: string;
}

/** The name under which an entry of the catalogue is stored. */
export function labelOf(entry: DownloadEntry): ImageLabel {
  const { id, name, arch, url, guestOS, user, cloudInit } = entry;
  return { id, name, arch, url, guestOS, user, cloudInit, source: 'catalogue' };
}

/** What a stored image is under one of its names; `disk` is its path. */
export function sourceOf(image: StoredImage, label: ImageLabel, disk: string): ImageSource {
  const { id, arch, guestOS, user, cloudInit } = label;
  return {
    id,
    disk,
    format: image.format,
    cloudInit: cloudInit && image.format !== 'iso',
    ...(arch === undefined ? {} : { arch }),
    ...(guestOS === undefined ? {} : { guestOS }),
    ...(user === undefined ? {} : { user }),
  };
}

/** The row of a stored image under one of its names; `path` is where it lies. */
export function infoOf(image: StoredImage, label: ImageLabel, path: string): ImageInfo {
  const { id, name, arch, guestOS, source } = label;
  return {
    id,
    name,
    source,
    sizeBytes: image.bytes,
    cached: true,
    path,
    ...(arch === undefined ? {} : { arch }),
    ...(guestOS === undefined ? {} : { guestOS }),
  };
}
