import type { Image, ImportImage, PullImage } from '../../api/messages.ts';
import type { UploadImage } from '../../api/image-upload.ts';
import type { Progress } from '../../core/progress.ts';
import type { ImageInfo } from '../../image/cache.ts';
import type { UploadNotices } from '../../image/upload.ts';
import { defaultArch } from '../../model/defaults.ts';
import type { Arch } from '../../model/machine.ts';
import type { Host } from '../host/host.ts';

function imageOf(info: ImageInfo): Image {
  return {
    id: info.id,
    name: info.name,
    arch: info.arch ?? '',
    source: info.source,
    guestOS: info.guestOS ?? null,
    sizeBytes: info.sizeBytes ?? null,
    cached: info.cached,
    path: info.path ?? null,
    iso: info.isIso === true,
    problem: info.problem ?? null,
  };
}

/** All images of the catalogue and the cache. */
export async function listImages(host: Host): Promise<Image[]> {
  return (await host.images.list()).map(imageOf);
}

/**
 * Downloads an image into the cache, or updates a cached one to the publisher's current version.
 * @throws KameError NO_SUCH_IMAGE, DOWNLOAD_FAILED, CHECKSUM_MISMATCH, DISK_FULL, CANCELLED
 */
export async function pull(host: Host, request: PullImage, progress: Progress): Promise<Image> {
  const arch = request.arch ?? defaultArch;
  const { id } = await host.images.resolve(request.image, { arch, env: host.env, refresh: true }, progress);
  const info = (await host.images.list()).find((one) => one.id === id && (one.arch ?? arch) === arch);
  if (!info) throw new Error(`The image ${id} is gone from the cache.`);
  return imageOf(info);
}

/** Copies an image file into the cache. @throws KameError ALREADY_EXISTS, BAD_IMAGE, DISK_FULL, CANCELLED */
export async function importImageFile(host: Host, request: ImportImage, progress: Progress): Promise<Image> {
  const { path, name } = request;
  return imageOf(await host.images.importImage(path, name === undefined ? {} : { name }, progress));
}

/** Receives an image file from a client. @throws KameError ALREADY_EXISTS, BAD_IMAGE, BUSY, DISK_FULL, CANCELLED */
export async function uploadImageFile(
  host: Host,
  request: UploadImage,
  chunks: AsyncIterable<Buffer>,
  notices: UploadNotices,
  progress: Progress,
): Promise<Image> {
  return imageOf(await host.images.upload(request, chunks, notices, progress));
}

/** Removes an image from the cache; machines keep their copies. @throws KameError NO_SUCH_IMAGE */
export async function deleteImage(host: Host, id: string, arch?: Arch): Promise<void> {
  await host.images.remove(id, arch);
}
