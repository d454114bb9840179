import type { Journal } from '../../store/journal.ts';
import type { VmxDocument } from '../../vmx/document.ts';

/** A disk of a new bundle, and what it holds at first. */
export type RecipeDisk = { readonly fileName: string } & (
  | { readonly from: 'nothing'; readonly sizeBytes: number }
  /** An image of any format that Kame reads; its header is not checked yet. */
  | { readonly from: 'image'; readonly source: string; readonly sizeBytes?: number }
  /** What a checked chain of layers shows, in one file of its own. */
  | { readonly from: 'chain'; readonly source: string; readonly format: 'qcow2' | 'raw' }
  /** An empty layer. `backing` is what its header names: relative to the bundle, or absolute. */
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
  /** A copy; it shares the blocks of the original where the file system can. */
  | { readonly from: 'copy'; readonly source: string }
  /** Another name of the same file where possible, else a copy: for what is never written to. */
  | { readonly from: 'link'; readonly source: string }
  /** Another name of the same file, never a copy: a layer that several machines read. */
  | { readonly from: 'share'; readonly source: string }
  /** A copy that keeps holes. */
  | { readonly from: 'sparse'; readonly source: string }
  /** Nothing but a size: the content comes later. */
  | { readonly from: 'hole'; readonly sizeBytes: number }
);

/** What a linked clone builds on. */
export interface Parents {
  /** Paths of the `.vmx` of the machines. */
  readonly cloneOf: readonly string[];
  /** Paths of their disks. */
  readonly sentinels: readonly string[];
}

/** A machine that is to be made, as data: create, clone and import only differ in how they come to one. */
export interface Recipe {
  readonly name: string;
  /** The `.vmx`; it names the disks and files below. */
  readonly document: VmxDocument;
  readonly disks: readonly RecipeDisk[];
  readonly files: readonly RecipeFile[];
  readonly parents?: Parents;
  /** With it the bundle counts as unfinished, and a kill takes it away, until the journal is removed. */
  readonly journal?: Journal;
  /** False when the caller flushes the files later. Default true. */
  readonly sync?: boolean;
}
