import type { Outlet } from './output.ts';
import type { Mac } from './packet/mac.ts';
import { Port } from './port.ts';
import { isShaped, Shaper, type ShaperTools } from './shaper.ts';
import type { PortStatus } from './switch-config.ts';
import type { PortPlan } from './switch-plan.ts';
import type { SwitchTools } from './switch-tools.ts';
import { TcpUplink } from './tcp-uplink.ts';
import type { GuestLink } from './tcp/guest-link.ts';

/** The port of a machine's adapter. */
export class GuestPort extends Port {
  readonly id: string;
  readonly tcp: TcpUplink;
  plan: PortPlan;
  /** Set where the traffic is shaped. */
  transmit: Shaper | null = null;
  receive: Shaper | null = null;

  /** @param link the way to its guest for the connections that it opens to the outside */
  constructor(plan: PortPlan, maxFrame: number, tools: SwitchTools, link: (port: GuestPort) => GuestLink) {
    super(maxFrame, tools.now());
    this.id = plan.id;
    this.tcp = new TcpUplink(this, tools, link(this));
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
  }

  override plug(outlet: Outlet | null): void {
    super.plug(outlet);
    this.tcp.reconnected();
  }

  close(): void {
    this.transmit?.close();
    this.receive?.close();
  }

  status(): PortStatus {
    return {
      id: this.id,
      connected: this.outlet !== null,
      connections: this.tcp.nat.size,
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
