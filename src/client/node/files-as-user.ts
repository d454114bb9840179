import { KameError } from '../../core/errors.ts';
import { assetText } from '../../sys/assets.ts';
import type { Client } from '../core/client.ts';
import type { FileChannels } from '../core/file-channels.ts';
import type { ExecStreams } from '../core/guest-channels.ts';
import { guestFailure } from './guest-failure.ts';

const maxSaid = 2000;

/** Runs a script of guest/transfer as a user of the guest. @throws KameError GUEST_FAILED with what it said */
async function runScript(
  client: Client,
  machine: string,
  script: { readonly name: string; readonly words: readonly string[]; readonly user: string },
  streams: Omit<ExecStreams, 'output'> & { readonly stdout: (data: Uint8Array) => Promise<void> },
): Promise<void> {
  const decoder = new TextDecoder();
  let said = '';
  const { name, words, user } = script;
  const command = ['/bin/sh', '-c', assetText(`guest/transfer/${name}`), 'sh', ...words];
  const end = await client.machines.exec(
    machine,
    { command, user, stdin: streams.input !== undefined },
    {
      ...streams,
      output: async (stream, data) => {
        if (stream === 'stdout') await streams.stdout(data);
        else said = (said + decoder.decode(data, { stream: true })).slice(-maxSaid);
      },
    },
  );
  if (end.exitCode !== 0) throw guestFailure(said);
}

/** Passes the parts of an archive on, and counts them. */
async function* counted(
  parts: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const part of parts) {
    count(part.length);
    yield part;
  }
}

/**
 * The files of a guest as one of its users sees them: tar reads and writes them in the guest as that user, who may do only what
 * the guest permits. It needs kame-tools and tar in the guest.
 * @param user undefined for root, whose copies take the faster way of the daemon
 */
export function filesAs(client: Client, user: string | undefined): Pick<FileChannels, 'put' | 'get'> {
  if (user === undefined) return client.files;
  return {
    put: async (machine, { path, directory = false }, { archive, progress, waiting, signal }) => {
      let bytes = 0;
      const input = counted(archive, (more) => progress?.((bytes += more)));
      const words = [path, String(directory)];
      const stdout = async () => await Promise.resolve();
      await runScript(
        client,
        machine,
        { name: 'put-as-user.sh', words, user },
        { input, stdout, signal, ...(waiting ? { waiting } : {}) },
      );
      return { files: 1, bytes };
    },
    get: async (machine, { path }, { output, waiting, signal }) => {
      if (path.replace(/\/+$/u, '') === '')
        throw new KameError('USAGE', 'All of a guest cannot be copied as one of its users.');
      let bytes = 0;
      const stdout = async (data: Uint8Array) => {
        bytes += data.length;
        await output(data);
      };
      await runScript(
        client,
        machine,
        { name: 'get-as-user.sh', words: [path], user },
        { stdout, signal, ...(waiting ? { waiting } : {}) },
      );
      return bytes;
    },
  };
}
