import { existsSync } from 'node:fs';
import { Refusal } from './refusal.ts';

/** A block node as QEMU knows it. */
export interface BlockNode {
  readonly name: string;
  readonly driver: string;
  /** Of a `file` node. */
  readonly filename: string | null;
  /** The node that a format node reads its file through. */
  file: string | null;
  backing: string | null;
  readOnly: boolean;
}

type Options = Readonly<Record<string, unknown>>;

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** The block nodes of an engine and the devices over them, with QEMU's own refusals (its block.c and blockdev.c, 7.2). */
export class BlockGraph {
  readonly #nodes = new Map<string, BlockNode>();
  /** Node of each drive by the device's id. */
  readonly #drives = new Map<string, string>();

  constructor(blockdevs: readonly Options[], devices: readonly Options[]) {
    for (const options of blockdevs) this.add(options);
    for (const { id, drive } of devices) {
      if (typeof drive === 'string') this.#drives.set(String(id), this.node(drive).name);
    }
  }

  node(name: string): BlockNode {
    const node = this.#nodes.get(name);
    if (!node) throw new Refusal(`Cannot find device='' nor node-name='${name}'`);
    return node;
  }

  /** The path of the image that a node shows. */
  pathOf(name: string): string {
    const { filename, file } = this.node(name);
    return filename ?? (file === null ? '' : this.pathOf(file));
  }

  /** The image that each drive writes to, by the device's id. */
  get tops(): ReadonlyMap<string, string> {
    return new Map([...this.#drives].map(([id, node]) => [id, this.pathOf(node)]));
  }

  /** The images from a drive's top down. */
  chainOf(id: string): string[] {
    const paths: string[] = [];
    for (
      let name: string | null = this.#drives.get(id) ?? null;
      name !== null;
      name = this.node(name).backing
    ) {
      paths.push(this.pathOf(name));
    }
    return paths;
  }

  /** Images that are open to be written to. */
  get writable(): string[] {
    const nodes = [...this.#nodes.values()].filter(({ readOnly, file }) => !readOnly && file !== null);
    return nodes.map(({ name }) => this.pathOf(name));
  }

  /** `blockdev-add`; a file given in place has a node without a name of the test's. */
  add(options: Options): void {
    const name = text(options['node-name']) ?? `#block${this.#nodes.size}`;
    if (this.#nodes.has(name)) throw new Refusal(`Duplicate nodes with node-name='${name}'`);
    const filename = text(options['filename']);
    if (filename !== null && !existsSync(filename)) {
      throw new Refusal(`Could not open '${filename}': No such file or directory`);
    }
    this.#nodes.set(name, {
      name,
      driver: String(options['driver']),
      filename,
      file: this.#fileOf(options, name),
      backing: this.#referred(options['backing']),
      readOnly: options['read-only'] === true,
    });
  }

  #fileOf(options: Options, name: string): string | null {
    const { file } = options;
    if (typeof file !== 'object' || file === null) return this.#referred(file);
    const inner = `${name}#file`;
    this.#nodes.delete(inner);
    this.add({ ...file, 'node-name': inner });
    return inner;
  }

  #referred(value: unknown): string | null {
    const name = text(value);
    return name === null ? null : this.node(name).name;
  }

  /** `blockdev-reopen` */
  reopen(options: Options): void {
    const node = this.node(String(options['node-name']));
    node.file = this.#fileOf(options, node.name);
    node.readOnly = options['read-only'] === true;
    if (options['backing'] !== undefined) node.backing = this.#referred(options['backing']);
  }

  /** `blockdev-del` */
  remove(name: string): void {
    this.node(name);
    const user =
      [...this.#nodes.values()].find(({ file, backing }) => file === name || backing === name)?.name ??
      [...this.#drives].find(([, node]) => node === name)?.[0];
    if (user !== undefined) throw new Refusal(`Node '${name}' is busy: node is used by '${user}'`);
    this.#nodes.delete(name);
  }

  /** `blockdev-snapshot` of a transaction: all overlays are looked at before the first is put to use. */
  snapshot(pairs: ReadonlyArray<{ readonly node: string; readonly overlay: string }>): void {
    for (const { node, overlay } of pairs) {
      this.node(node);
      if (this.node(overlay).backing !== null) throw new Refusal('The overlay already has a backing image');
      if ([...this.#drives.values()].includes(overlay)) throw new Refusal('The overlay is already in use');
    }
    for (const { node, overlay } of pairs) {
      this.replace(node, overlay);
      this.node(overlay).backing = node;
      this.node(node).readOnly = true;
    }
  }

  /** Whoever reads one node reads another from now on. */
  replace(from: string, to: string): void {
    for (const [id, node] of this.#drives) if (node === from) this.#drives.set(id, to);
    for (const node of this.#nodes.values()) if (node.backing === from && node.name !== to) node.backing = to;
  }

  isTop(name: string): boolean {
    return [...this.#drives.values()].includes(name);
  }

  /** The node whose backing image it is. */
  over(name: string): BlockNode | undefined {
    return [...this.#nodes.values()].find(({ backing }) => backing === name);
  }

  /** `query-named-block-nodes` */
  describeNodes(): object[] {
    return [...this.#nodes.values()].map((node) => this.#describe(node));
  }

  /** `query-block` */
  describeDrives(): object[] {
    return [...this.#drives].map(([id, node]) => ({
      device: '',
      qdev: `/machine/peripheral/${id}/virtio-backend`,
      type: 'unknown',
      removable: false,
      locked: false,
      inserted: this.#describe(this.node(node)),
    }));
  }

  #describe({ name, driver, readOnly }: BlockNode): object {
    return { 'node-name': name, drv: driver, ro: readOnly, file: this.pathOf(name) };
  }
}
