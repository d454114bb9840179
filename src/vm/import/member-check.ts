import { createHash, type Hash } from 'node:crypto';
import { KameError } from '../../core/errors.ts';
import {
  manifestAlgorithms,
  parseManifest,
  type ManifestAlgorithm,
  type ManifestEntry,
} from '../../ovf/manifest.ts';
import type { Member } from './members.ts';

type Hashes = ReadonlyMap<ManifestAlgorithm, string>;

/** Compares the files of an appliance with its manifest, which may come before or after them, while they are read. */
export class MemberCheck {
  readonly #label: string;
  readonly #found = new Map<string, Hashes>();
  #manifest: ReadonlyMap<string, ManifestEntry> | undefined;

  constructor(label: string) {
    this.#label = label;
  }

  /** @throws KameError CHECKSUM_MISMATCH for a malformed manifest */
  addManifest(name: string, bytes: Buffer): void {
    this.#manifest = parseManifest(`${this.#label}: ${name}`, bytes);
  }

  /** Notes the hashes of a file that was read whole. */
  addFile(name: string, bytes: Buffer): void {
    const hashes = this.#hashesFor(name);
    for (const hash of hashes.values()) hash.update(bytes);
    this.#end(name, hashes);
  }

  /** The same file; its hashes are known when its content has been read to the end. */
  watch(member: Member): Member {
    return { ...member, content: this.#watched(member.name, member.content) };
  }

  async *#watched(name: string, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const hashes = this.#hashesFor(name);
    for await (const part of content) {
      for (const hash of hashes.values()) hash.update(part);
      yield part;
    }
    this.#end(name, hashes);
  }

  #end(name: string, hashes: ReadonlyMap<ManifestAlgorithm, Hash>): void {
    this.#found.set(name, new Map([...hashes].map(([algorithm, hash]) => [algorithm, hash.digest('hex')])));
  }

  /** Only the hash that is needed; all of them while the manifest has not come yet. */
  #hashesFor(name: string): ReadonlyMap<ManifestAlgorithm, Hash> {
    const entry = this.#manifest?.get(name);
    const wanted = this.#manifest ? (entry ? [entry.algorithm] : []) : manifestAlgorithms;
    return new Map(wanted.map((algorithm) => [algorithm, createHash(algorithm)]));
  }

  /** Whether there was a manifest. */
  get hasManifest(): boolean {
    return this.#manifest !== undefined;
  }

  /** After all files were read. @throws KameError CHECKSUM_MISMATCH for a file that is different, or missing */
  finish(): void {
    for (const [name, { algorithm, hex }] of this.#manifest ?? []) {
      const found = this.#found.get(name)?.get(algorithm);
      if (found === hex) continue;
      const what = found === undefined ? 'is missing' : `has the ${algorithm} ${found}, not ${hex}`;
      throw new KameError(
        'CHECKSUM_MISMATCH',
        `${JSON.stringify(name)} in ${this.#label} does not fit the manifest: it ${what}. Nothing was imported.`,
        {
          next: 'Get the appliance again from its source: it was changed or damaged.',
          details: { path: this.#label },
        },
      );
    }
  }
}
