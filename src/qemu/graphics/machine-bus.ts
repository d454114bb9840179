import type { Arch } from '../../model/machine.ts';
import type { QtestClient } from './qtest.ts';

/** Where the machine of an architecture has what a driver needs: `virt` (hw/arm/virt.c), `pc` and `q35` (hw/i386/pc.c). */
interface BusMap {
  /** RAM that nothing else uses. */
  readonly ram: number;
  /** Free addresses for the registers of PCI devices. */
  readonly window: number;
}

const maps: Record<Arch, BusMap> = {
  aarch64: { ram: 0x4010_0000, window: 0x1000_0000 },
  x86_64: { ram: 0x10_0000, window: 0xe000_0000 },
};
/** The configuration of PCI devices in the memory of `virt`. */
const ecam = 0x40_1000_0000;
/** The I/O ports through which a PC configures PCI devices. */
const [addressPort, dataPort] = [0xcf8, 0xcfc];

/** The PCI bus of a machine whose processor does not run, and the addresses that a driver may use. */
export class MachineBus {
  readonly qtest: QtestClient;
  readonly #arch: Arch;

  constructor(qtest: QtestClient, arch: Arch) {
    this.qtest = qtest;
    this.#arch = arch;
  }

  /** The address of RAM that a driver may use. */
  get ram(): number {
    return maps[this.#arch].ram;
  }

  /** Free addresses for the registers of PCI devices. */
  get window(): number {
    return maps[this.#arch].window;
  }

  /** Reads 4 bytes of the configuration of the device in a slot of the root bus. @throws KameError ENGINE_FAILED */
  async readConfig(slot: number, offset: number): Promise<number> {
    if (this.#arch === 'aarch64') return await this.qtest.read('l', ecam + slot * 0x8000 + offset);
    await this.#select(slot, offset);
    return await this.qtest.readPort(dataPort);
  }

  /** @throws KameError ENGINE_FAILED */
  async writeConfig(slot: number, offset: number, value: number): Promise<void> {
    if (this.#arch === 'aarch64') return await this.qtest.write('l', ecam + slot * 0x8000 + offset, value);
    await this.#select(slot, offset);
    await this.qtest.writePort(dataPort, value);
  }

  async #select(slot: number, offset: number): Promise<void> {
    await this.qtest.writePort(addressPort, 0x8000_0000 + slot * 0x800 + offset);
  }
}
