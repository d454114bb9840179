import type { Arch } from '../model/machine.ts';
import type { DownloadEntry } from './catalogue.ts';
import type { ImageLabel, StoredImage } from './image-store.ts';

/** An image from which a machine is made. */
export interface ImageSource {
  readonly id: string;
  /** Path of the disk (or, for iso, of the CD image). It is only read: machines get copies. */
  readonly disk: string;
  readonly format: StoredImage['format'];
  readonly arch?: Arch;
  /** VMware guest OS id, if the catalogue has it. */
  readonly guestOS?: string;
  /** The default user of the image. */
  readonly user?: string;
  /** Whether to attach a NoCloud seed. */
  readonly cloudInit: boolean;
  /** For booting without firmware. */
  readonly directBoot?: { readonly kernel: string; readonly initrd: string; readonly commandLine: string };
  /** What a person should know, such as that the image was not verified. */
  readonly notes?: readonly string[];
}

/** One row of `kame image list`. */
export interface ImageInfo {
  readonly id: string;
  readonly name: string;
  /** Undefined if unknown. */
  readonly arch?: Arch;
  readonly source: 'embedded' | 'catalogue' | 'imported';
  readonly guestOS?: string;
  /** Size of the cached file, otherwise the approximate size of the download. */
  readonly sizeBytes?: number;
  readonly cached: boolean;
  readonly path?: string;
  /** An ISO to install a system from, instead of a disk. */
  readonly isIso?: true;
  /** Why nobody knows whether it is cached. */
  readonly problem?: string;
}

/** The name of an image from that of its file: without the ending. */
export function nameOfFile(fileName: string): string {
  return fileName.replace(/\.[A-Za-z0-9]{1,8}$/u, '');
}

/** The name under which an entry of the catalogue is stored. */
export function labelOf(entry: DownloadEntry): ImageLabel {
  const { id, name, arch, url, guestOS, user, cloudInit } = entry;
  return { id, name, arch, url, guestOS, user, cloudInit, source: 'catalogue' };
}

/** A stored image as ImageSource, under one of its names; `disk` is its path. */
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

/** A stored image as ImageInfo, under one of its names; `path` is its path. */
export function infoOf(image: StoredImage, label: ImageLabel, path: string): ImageInfo {
  const { id, name, arch, guestOS, source } = label;
  return {
    id,
    name,
    source,
    sizeBytes: image.bytes,
    cached: true,
    path,
    ...(image.format === 'iso' ? { isIso: true } : {}),
    ...(arch === undefined ? {} : { arch }),
    ...(guestOS === undefined ? {} : { guestOS }),
  };
}
