import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as frames from '../../test/support/frames.ts';
import { gatewayMac, macA, macB } from '../../test/support/switch-world.ts';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { ConnectionFile } from './connection-file.ts';

const makeDirectory = useTemporaryDirectory();
const flow = { source: '192.168.77.10', destination: '198.51.100.7', destinationPort: 443 };
const opening = (from: string, sourcePort: number) =>
  frames.tcp({ from, to: gatewayMac }, { ...flow, sourcePort, flags: frames.tcpFlags.syn });
const [a, b] = [frames.macNumber(macA), frames.macNumber(macB)];

describe('the file of connections', () => {
  it('tells the next switch of those of each adapter, once', () => {
    const path = join(makeDirectory(), 'connections');
    const first = new ConnectionFile(path);
    expect(first.takeLeft(a)).toEqual([]);
    const all = [opening(macA, 1), opening(macA, 2), opening(macB, 3)];
    for (const each of all) first.opened(each);
    const next = new ConnectionFile(path);
    expect(next.takeLeft(a)).toEqual(all.slice(0, 2));
    expect(next.takeLeft(a)).toEqual([]);
    // What nobody was told yet is for the switch after it.
    next.opened(opening(macA, 4));
    expect(new ConnectionFile(path).takeLeft(b)).toEqual(all.slice(2));
  });

  it('does not grow with the connections that have ended', () => {
    const path = join(makeDirectory(), 'connections');
    const file = new ConnectionFile(path);
    for (let port = 1; port < 5000; port += 1) {
      const each = opening(macA, port);
      file.opened(each);
      file.ended(each);
    }
    expect(statSync(path).size).toBeLessThan(100_000);
  });

  it('is read as far as it is whole', () => {
    const path = join(makeDirectory(), 'connections');
    new ConnectionFile(path).opened(opening(macA, 1));
    appendFileSync(path, readFileSync(path).subarray(0, 20));
    expect(new ConnectionFile(path).takeLeft(a)).toEqual([opening(macA, 1)]);
    writeFileSync(path, Buffer.alloc(9 * 1024 * 1024));
    expect(new ConnectionFile(path).takeLeft(a)).toEqual([]);
  });
});
