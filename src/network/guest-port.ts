import type { Mac } from './packet/mac.ts';
import { PasstPort } from './passt-port.ts';
import { Port } from './port.ts';
import { isShaped, Shaper, type ShaperTools } from './shaper.ts';
import type { PortStatus } from './switch-config.ts';
import type { PortPlan } from './switch-plan.ts';

/** The port of a machine's adapter. */
export class GuestPort extends Port {
  readonly id: string;
  readonly passt: PasstPort;
  plan: PortPlan;
  /** Set where the traffic is shaped. */
  transmit: Shaper | null = null;
  receive: Shaper | null = null;

  constructor(plan: PortPlan, maxFrame: number, tools: ShaperTools) {
    super(maxFrame, tools.now());
    this.id = plan.id;
    this.passt = new PasstPort(maxFrame, tools.now);
    this.plan = plan;
    this.#shape(tools);
  }

  get mac(): Mac {
    return this.plan.mac;
  }

  /** Uses a new plan; traffic that waits in a link that is shaped otherwise now is lost. */
  configure(plan: PortPlan, tools: ShaperTools): void {
    const isSame = JSON.stringify(plan.shape) === JSON.stringify(this.plan.shape);
    this.plan = plan;
    if (!isSame) this.#shape(tools);
  }

  set maxFrame(bytes: number) {
    this.decoder.maxFrame = bytes;
    this.passt.decoder.maxFrame = bytes;
  }

  close(): void {
    this.transmit?.close();
    this.receive?.close();
  }

  status(): PortStatus {
    return {
      id: this.id,
      connected: this.outlet !== null,
      passtConnected: this.passt.outlet !== null,
      receivedFrames: this.receivedFrames,
      receivedBytes: this.receivedBytes,
      sentFrames: this.sentFrames,
      sentBytes: this.sentBytes,
      dropped: Object.fromEntries(this.dropped),
    };
  }

  #shape(tools: ShaperTools): void {
    this.close();
    const { transmit, receive } = this.plan.shape;
    this.transmit = isShaped(transmit) ? new Shaper(transmit, tools) : null;
    this.receive = isShaped(receive) ? new Shaper(receive, tools) : null;
  }
}
