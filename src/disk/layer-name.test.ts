import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLayerName, layerName, numberOf, stemOf } from './layer-name.ts';

describe('names of layers', () => {
  it.each([
    ['disk0.qcow2', 'disk0', 0, false],
    ['disk0-000001.qcow2', 'disk0', 1, true],
    ['/m/demo.vmwarevm/disk0-000012.qcow2', 'disk0', 12, true],
    ['Virtual Disk-000002.vmdk', 'Virtual Disk', 2, false],
    ['disk0-000001-000002.qcow2', 'disk0-000001', 2, true],
    ['disk0-0000001.qcow2', 'disk0-0000001', 0, false],
    ['disk0-00001.qcow2', 'disk0-00001', 0, false],
    ['disk0-000001', 'disk0', 1, false],
    ['disk0.000001.qcow2', 'disk0.000001', 0, false],
    ['-000001.qcow2', '-000001', 0, false],
    ['disk0-000001.qcow2.part', 'disk0-000001.qcow2', 0, false],
  ])('reads %s', (name, stem, number, isLayer) => {
    expect([stemOf(name), numberOf(name), isLayerName(name)]).toEqual([stem, number, isLayer]);
  });

  it('leaves room for what derives from them, in bytes', () => {
    const long = `${'亀'.repeat(80)}.vmdk`;
    const name = layerName(stemOf(long), 1);
    expect([Buffer.byteLength(name) <= 255 - 18, stemOf(name)]).toEqual([true, stemOf(long)]);
  });

  it('reads what it writes', () => {
    const stems = fc.stringMatching(/^[a-z0-9][a-z0-9 ._-]{0,10}$/);
    fc.assert(
      fc.property(stems, fc.integer({ min: 1, max: 999_999 }), (stem, number) => {
        const name = layerName(stem, number);
        expect([stemOf(name), numberOf(name), isLayerName(name)]).toEqual([stem, number, true]);
      }),
    );
  });
});
