import * as z from 'zod';
import { uploadImage, uploadMessage } from './image-upload.ts';
import { arch } from './machine.ts';
import { done, image, importImage, pullImage } from './messages.ts';
import type { OperationTable } from './operation.ts';

const imageParams = z.object({
  image: z
    .string()
    .max(4096)
    .meta({ description: 'The id of an image', examples: ['debian-12'] }),
});

/** The image catalogue and the cached images. */
export const imageOperations = {
  'images.list': {
    method: 'GET',
    path: '/images',
    role: 'viewer',
    kind: 'json',
    summary: 'List the images that you can create machines from',
    result: z.array(image),
  },
  'images.pull': {
    method: 'POST',
    path: '/images/pull',
    role: 'owner',
    kind: 'task',
    verb: 'image pull',
    summary: 'Download an image and verify it',
    body: pullImage,
    result: image,
    example: { body: { image: 'debian-12' } },
  },
  'images.import': {
    method: 'POST',
    path: '/images/import',
    role: 'owner',
    kind: 'task',
    verb: 'image import',
    summary: 'Add a copy of a disk image or an ISO to the images',
    body: importImage,
    result: image,
    example: { body: { path: '/srv/attic.vmdk', name: 'attic' } },
  },
  'images.upload': {
    method: 'GET',
    path: '/images/upload',
    role: 'owner',
    kind: 'websocket',
    summary: 'Send a disk image or an ISO to the images',
    description:
      'The first message of the client is UploadImage as text. The server answers with `ready`, and the client sends the bytes of ' +
      'the file from that offset on, in binary messages. After the last byte the server imports the file, sends `end` with the ' +
      'image, and closes the connection. What was sent before a break is kept for a week.',
    body: uploadImage,
    result: uploadMessage,
    example: { body: { name: 'installer.iso', sizeBytes: 700_000_000, modifiedMs: 1_764_000_000_000 } },
  },
  'images.delete': {
    method: 'DELETE',
    path: '/images/{image}',
    role: 'owner',
    kind: 'json',
    summary: 'Delete the cached copy of an image',
    description: 'Machines that were created from it keep their disks.',
    params: imageParams,
    query: z.strictObject({ arch: arch.optional().describe('Architecture, if the image has several') }),
    result: done,
    example: { query: { arch: 'x86_64' } },
  },
} as const satisfies OperationTable;
