import type { Progress } from '../../core/progress.ts';
import type { Layer } from '../../disk/chain.ts';
import type { MapPlan } from '../../disk/write-map.ts';
import type { Journal } from '../../store/journal.ts';
import type { BaseFile, RelatedMachine } from '../../vmx/snapshots.ts';
import type { VmxDocument } from '../../vmx/document.ts';
import type { StartInflater } from '../host/host.ts';

/** A disk of a new bundle and its initial content. */
export type RecipeDisk = { readonly fileName: string } & (
  | { readonly from: 'nothing'; readonly sizeBytes: number }
  /** An image in any format that Kame reads; its header has not been checked. */
  | { readonly from: 'image'; readonly source: string; readonly sizeBytes?: number }
  /** The content of a checked chain of layers, in a single file. */
  | { readonly from: 'chain'; readonly top: Layer }
  /** The tables of a disk whose content stays where it is. */
  | { readonly from: 'map'; readonly plan: MapPlan }
  /** An empty layer. `backing` is the name in its header: relative to the bundle, or absolute. */
  | {
      readonly from: 'overlay';
      readonly backing: string;
      readonly backingFormat: 'qcow2' | 'raw';
      readonly virtualSize: number;
    }
);

/** Any other file of a new bundle. */
export type RecipeFile = { readonly fileName: string } & (
  | { readonly from: 'bytes'; readonly bytes: Uint8Array }
  /** A copy; a reflink where the file system supports it. */
  | { readonly from: 'copy'; readonly source: string }
  /** A hard link where possible, otherwise a copy: for files that are never written. */
  | { readonly from: 'link'; readonly source: string }
  /** A hard link, never a copy: for a layer that several machines read. */
  | { readonly from: 'share'; readonly source: string }
  /** A copy that preserves holes. */
  | { readonly from: 'sparse'; readonly source: string }
  /** An empty file of that size; its content is written later. */
  | { readonly from: 'hole'; readonly sizeBytes: number }
);

/** The machines and disks that a linked clone depends on. */
export interface Parents {
  /** Paths of the machines' `.vmx` files. */
  readonly cloneOf: readonly string[];
  /** Paths of their disks. */
  readonly sentinels: readonly string[];
  /** Their UUIDs. */
  readonly related: readonly RelatedMachine[];
  /** The files of these disks as they are now. */
  readonly bases: readonly BaseFile[];
}

/** A new machine as data. Create, clone and import each make a recipe, which `buildBundle` turns into files. */
export interface Recipe {
  readonly name: string;
  /** Path of the `.vmx`, in a directory that is empty or does not exist. Default: a bundle in the home with that name. */
  readonly vmx?: string;
  /** The `.vmx`; it names the disks and files below. */
  readonly document: VmxDocument;
  readonly disks: readonly RecipeDisk[];
  readonly files: readonly RecipeFile[];
  /** Files of another program whose content the guest reads in place. Whoever asked for the machine has named them. */
  readonly originals?: readonly string[];
  /** Writes the disks and files whose content comes as one stream, in whichever order they come, into the new directory. */
  readonly fill?: (directory: string, progress: Progress, startInflater: StartInflater) => Promise<void>;
  readonly parents?: Parents;
  /** The `.vmx` of the machine that this is a clone of: what the person has agreed to share with it, is agreed for the clone too. */
  readonly cloneOf?: string;
  /** Marks the bundle as unfinished: until the journal is removed, recovery deletes a bundle that does not run. */
  readonly journal?: Journal;
  /** False if the caller flushes the files later. Default true. */
  readonly sync?: boolean;
}
