import { GuestAgent } from '../../guest/agent/agent.ts';
import { SessionHelper } from '../../guest/desktop/session-helper.ts';
import { GuestTools } from '../../guest/tools/tools.ts';
import { DesktopAgent } from '../../guest/vdagent/desktop-agent.ts';
import { SharePort } from '../../guest/webdav/share-port.ts';
import { ConsoleHub } from '../../qemu/console-hub.ts';
import type { PlanSockets } from '../../qemu/plan/types.ts';

/** A connection to a running machine other than its monitor, over a socket in its run directory. */
interface Channel {
  /** Closes the host's end; the guest keeps its device. */
  close(): void;
}

interface ChannelKind {
  readonly socket: keyof PlanSockets;
  readonly open: (path: string) => Channel;
}

/** All channels. A new one needs a line here and a device in qemu/plan/channels.ts. */
const kinds = {
  agent: { socket: 'qga', open: (path: string) => new GuestAgent({ path }) },
  tools: { socket: 'tools', open: (path: string) => new GuestTools({ path }) },
  desktopAgent: { socket: 'vdagent', open: (path: string) => new DesktopAgent({ path }) },
  sessionHelper: { socket: 'desktop', open: (path: string) => new SessionHelper({ path }) },
  shares: { socket: 'webdav', open: (path: string) => new SharePort({ path }) },
  console: { socket: 'serial', open: (path: string) => new ConsoleHub(path) },
} as const satisfies Record<string, ChannelKind>;

type Name = keyof typeof kinds;
export type Channels = { readonly [N in Name]: ReturnType<(typeof kinds)[N]['open']> };

/** Opens all channels of a machine. Each connects on first use. */
export function openChannels(sockets: PlanSockets): Channels {
  const opened = Object.entries(kinds).map(([name, { socket, open }]) => [name, open(sockets[socket])]);
  return Object.fromEntries(opened) as Channels;
}

export function closeChannels(channels: Channels): void {
  for (const channel of Object.values(channels)) channel.close();
}
