import { describe, expect, it } from 'vitest';
import { tcpFlags } from '../../test/support/frames.ts';
import { PasstFlows } from './passt-flows.ts';

const { syn, ack, fin, rst } = tcpFlags;

/** A connection that the guest has opened, and passt accepted. */
function opened(flows: PasstFlows, flow: string): void {
  flows.carries(flow, syn);
  flows.answered(flow, syn | ack);
}

describe('the connections of a passt', () => {
  it('are those that the guest opens through it', () => {
    const flows = new PasstFlows();
    expect(flows.carries('a', ack)).toBe(false);
    expect(flows.carries('a', syn | ack)).toBe(false);
    expect(flows.carries('a', syn)).toBe(true);
    expect(flows.carries('a', ack)).toBe(true);
    expect(flows.carries('b', ack)).toBe(false);
  });

  it('are found again by what passt sends, as after a new start of the switch', () => {
    const flows = new PasstFlows();
    flows.answered('a', ack);
    expect(flows.carries('a', ack)).toBe(true);
    flows.answered('b', rst);
    expect(flows.carries('b', ack)).toBe(false);
  });

  it('are gone with it', () => {
    const flows = new PasstFlows();
    opened(flows, 'a');
    flows.carries('b', syn);
    flows.clear();
    expect([flows.carries('a', ack), flows.carries('b', ack)]).toEqual([false, false]);
  });

  it('stay while they are open, however many others are asked for or have ended', () => {
    const flows = new PasstFlows();
    opened(flows, 'old');
    flows.carries('old', syn);
    flows.answered('old', fin | ack);
    for (let port = 0; port < 65_536; port += 1) {
      flows.carries(`scan ${port}`, syn);
      flows.answered(`scan ${port}`, rst | ack);
      opened(flows, `short ${port}`);
      flows.carries(`short ${port}`, fin | ack);
      flows.answered(`short ${port}`, fin | ack);
    }
    expect(flows.carries('old', ack)).toBe(true);
    expect(flows.carries('scan 0', ack)).toBe(false);
    expect(flows.carries('short 0', ack)).toBe(false);
    // The last acknowledgement, and what is sent again.
    flows.answered('short 65535', fin | ack);
    expect(flows.carries('short 65535', ack)).toBe(true);
  });

  it('end with a reset of either side', () => {
    const flows = new PasstFlows();
    opened(flows, 'a');
    opened(flows, 'b');
    flows.carries('a', rst);
    flows.answered('b', rst);
    for (let port = 0; port < 4096; port += 1) flows.carries(`later ${port}`, syn);
    expect([flows.carries('a', ack), flows.carries('b', ack)]).toEqual([false, false]);
  });

  it('are not more than 16384', () => {
    const flows = new PasstFlows();
    for (let port = 0; port <= 16_384; port += 1) opened(flows, `${port}`);
    expect([flows.carries('0', ack), flows.carries('1', ack)]).toEqual([false, true]);
  });
});
