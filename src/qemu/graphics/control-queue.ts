import { poll } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import type { MachineBus } from './machine-bus.ts';
import { enableVirtio, type VirtioRegisters } from './virtio-pci.ts';

/** Registers that all virtio devices have (virtio 1.2, 4.1.4.3). */
const registers = {
  deviceFeatureSelect: 0,
  deviceFeature: 4,
  driverFeatureSelect: 8,
  driverFeature: 12,
  status: 20,
  queueSelect: 22,
  queueSize: 24,
  queueEnable: 28,
  queueNotifyOffset: 30,
  queueDescriptors: 32,
  queueDriver: 40,
  queueDevice: 48,
} as const;
/** What a driver says of itself, one after the other: it knows the device, it knows its features, it works. */
const [acknowledged, featuresOk, driverOk] = [3, 11, 15];
/** Feature 0 of a display: it renders in 3D. Feature 32 of all devices: virtio 1. */
const [virgl, version1] = [1, 1];

/** Where the parts of the queue are in the RAM of the driver. */
const places = {
  descriptors: 0,
  driver: 0x1000,
  device: 0x2000,
  request: 0x3000,
  response: 0x8000,
  /** For what else is shared with the device. */
  free: 0x2_0000,
} as const;
const queueSize = 16;
const maxRequestBytes = places.response - places.request;
const maxResponseBytes = places.free - places.response;
const descriptorFlags = { next: 1, write: 2 } as const;
/** Milliseconds for one command; the first starts the renderer. */
const commandMs = 5000;

/** The driver of a virtio display, as far as it takes commands one after the other. */
export class ControlQueue {
  readonly #bus: MachineBus;
  readonly #signal: AbortSignal;
  #notify = 0;
  #done = 0;

  private constructor(bus: MachineBus, signal: AbortSignal) {
    this.#bus = bus;
    this.#signal = signal;
  }

  /**
   * Starts the display in a slot of the root bus with its feature for 3D.
   * @throws KameError ENGINE_FAILED when there is none, or it does not render in 3D
   */
  static async open(bus: MachineBus, slot: number, signal: AbortSignal): Promise<ControlQueue> {
    const queue = new ControlQueue(bus, signal);
    await queue.#start(await enableVirtio(bus, slot));
    return queue;
  }

  /** The address of RAM that may be shared with the device. */
  get freeRam(): number {
    return this.#bus.ram + places.free;
  }

  /** Reads memory that is shared with the device. @throws KameError ENGINE_FAILED */
  async read(address: number, bytes: number): Promise<Buffer> {
    return await this.#bus.qtest.readMemory(address, bytes);
  }

  /** Sends a command; the response. @throws KameError ENGINE_FAILED, ENGINE_TIMEOUT, CANCELLED */
  async command(request: Buffer, responseBytes: number): Promise<Buffer> {
    const { qtest, ram } = this.#bus;
    if (request.length > maxRequestBytes || responseBytes > maxResponseBytes)
      throw new KameError('ENGINE_FAILED', 'The display has asked for more memory than it may have.');
    await qtest.writeMemory(ram + places.request, request);
    await qtest.writeMemory(ram + places.response, Buffer.alloc(responseBytes));
    await qtest.writeMemory(ram + places.descriptors, this.#descriptors(request.length, responseBytes));
    // Both descriptors are used again by each command, so that every entry of the ring is 0.
    this.#done = (this.#done + 1) & 0xffff;
    await qtest.write('w', ram + places.driver + 2, this.#done);
    await qtest.write('w', this.#notify, 0);
    const done = async () => ((await this.#used()) === this.#done ? true : undefined);
    if (!(await poll(done, { deadlineMs: commandMs, signal: this.#signal, stepMs: 1, maxStepMs: 20 }))) {
      throw new KameError('ENGINE_TIMEOUT', `The display did not answer within ${commandMs / 1000} s.`);
    }
    return await qtest.readMemory(ram + places.response, responseBytes);
  }

  async #used(): Promise<number> {
    return await this.#bus.qtest.read('w', this.#bus.ram + places.device + 2);
  }

  /** The request, which the device reads, and the response, which it writes. */
  #descriptors(requestBytes: number, responseBytes: number): Buffer {
    const table = Buffer.alloc(32);
    table.writeBigUInt64LE(BigInt(this.#bus.ram + places.request), 0);
    table.writeUInt32LE(requestBytes, 8);
    table.writeUInt16LE(descriptorFlags.next, 12);
    table.writeUInt16LE(1, 14);
    table.writeBigUInt64LE(BigInt(this.#bus.ram + places.response), 16);
    table.writeUInt32LE(responseBytes, 24);
    table.writeUInt16LE(descriptorFlags.write, 28);
    return table;
  }

  async #start({ common, notify, notifyStep }: VirtioRegisters): Promise<void> {
    const { qtest, ram } = this.#bus;
    await qtest.write('b', common + registers.status, 0);
    await qtest.write('b', common + registers.status, acknowledged);
    await qtest.write('l', common + registers.deviceFeatureSelect, 0);
    const offered = await qtest.read('l', common + registers.deviceFeature);
    if ((offered & virgl) === 0) throw new KameError('ENGINE_FAILED', 'The display does not render in 3D.');
    for (const [word, features] of [virgl, version1].entries()) {
      await qtest.write('l', common + registers.driverFeatureSelect, word);
      await qtest.write('l', common + registers.driverFeature, features);
    }
    await qtest.write('b', common + registers.status, featuresOk);
    await qtest.write('w', common + registers.queueSelect, 0);
    await qtest.write('w', common + registers.queueSize, queueSize);
    await qtest.write('q', common + registers.queueDescriptors, ram + places.descriptors);
    await qtest.write('q', common + registers.queueDriver, ram + places.driver);
    await qtest.write('q', common + registers.queueDevice, ram + places.device);
    // Until now nothing was written there: both rings begin as zeros.
    await qtest.writeMemory(ram, Buffer.alloc(places.request));
    await qtest.write('w', common + registers.queueEnable, 1);
    this.#notify = notify + notifyStep * (await qtest.read('w', common + registers.queueNotifyOffset));
    await qtest.write('b', common + registers.status, driverOk);
  }
}
