import { mkdir, readdir, realpath, rename, rm, rmdir, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { homeNames } from '../../src/store/names.ts';
import { run } from '../../src/sys/process.ts';
import type { TestHome } from '../support/home.ts';
import { Violation } from './violation.ts';

/** What a person does to bundles and the home with `mv`, `cp` and `ln`, and types afterwards. Nothing runs meanwhile. */
export class ByHand {
  readonly #home: TestHome;
  readonly #first: string;
  #count = 0;

  constructor(home: TestHome) {
    this.#home = home;
    this.#first = home.path;
  }

  /** Directory for bundles outside the home, each in a directory of its own. */
  get away(): string {
    return `${this.#first}.away`;
  }

  get #machines(): string {
    return homeNames(this.#home.path).machines;
  }

  isInHome(bundle: string): boolean {
    return dirname(bundle) === this.#machines;
  }

  async #newPlace(): Promise<string> {
    this.#count += 1;
    const place = join(this.away, String(this.#count));
    await mkdir(place, { recursive: true });
    return place;
  }

  /** The link in the home through which a bundle elsewhere is found. */
  async #linkTo(bundle: string): Promise<string | undefined> {
    if (this.isInHome(bundle)) return undefined;
    for (const name of await readdir(this.#machines)) {
      const path = join(this.#machines, name);
      if ((await realpath(path)) === bundle) return path;
    }
    return undefined;
  }

  async #must(...args: string[]): Promise<void> {
    const { code, stderr } = await this.#home.kame(args);
    if (code !== 0) throw new Violation('command', `kame ${args.join(' ')} ended with ${code}: ${stderr}`);
  }

  /** Moves a bundle out of the home or back, and has Kame know it again. */
  async move(bundle: string): Promise<void> {
    const link = await this.#linkTo(bundle);
    const place = this.isInHome(bundle) ? await this.#newPlace() : this.#machines;
    const moved = join(place, basename(bundle));
    if (link !== undefined) await rm(link);
    await rename(bundle, moved);
    if (!this.isInHome(bundle)) await rmdir(dirname(bundle));
    await this.#must('register', moved);
  }

  /**
   * Puts a bundle into another directory and a link into its place; or a link to one that is elsewhere already.
   * @param registers whether Kame is told, which linked clones and their parents need
   */
  async link(bundle: string, registers: boolean): Promise<void> {
    if ((await this.#linkTo(bundle)) !== undefined) {
      await this.move(bundle);
      return;
    }
    const inHome = join(this.#machines, basename(bundle));
    const target = this.isInHome(bundle) ? join(await this.#newPlace(), basename(bundle)) : bundle;
    if (target !== bundle) await rename(bundle, target);
    await symlink(target, inHome);
    if (registers) await this.#must('register', target);
  }

  /** Renames the home, which is used through a link from then on. The next command starts a daemon. */
  async moveHome(): Promise<void> {
    await this.#home.client().stopDaemon();
    this.#count += 1;
    await this.#home.moveTo(`${this.#first}.${this.#count}`);
  }

  /** `cp -r` of a bundle. @returns the copy, in the home or outside it */
  async copy(bundle: string, name: string, where: 'home' | 'away'): Promise<string> {
    const place = where === 'home' ? this.#machines : await this.#newPlace();
    const copy = join(place, `${name}.vmwarevm`);
    const { exitCode, stderr } = await run('cp', ['-r', bundle, copy]);
    if (exitCode !== 0) throw new Error(`cp -r ${bundle} ${copy} ended with ${exitCode}: ${stderr}`);
    return copy;
  }

  /** The directory of a copy outside the home, once the copy is gone. */
  async leave(copy: string): Promise<void> {
    if (!this.isInHome(copy)) await rmdir(dirname(copy));
  }

  /** Whether a path is a bundle of the home or outside it, as the directories tell. */
  async bundles(): Promise<string[]> {
    const places = [
      this.#machines,
      ...(await readdir(this.away).catch(() => [])).map((name) => join(this.away, name)),
    ];
    const names = await Promise.all(
      places.map(async (place) => (await readdir(place).catch(() => [])).map((name) => join(place, name))),
    );
    return names.flat();
  }
}
