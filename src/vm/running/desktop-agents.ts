import { messageOf } from '../../core/errors.ts';
import { desktopAgentPort, desktopToolsPort } from '../../qemu/plan/channels.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { watchPort } from './guest-port.ts';

/** Milliseconds for content that moves from one program in the guest to another. */
const moveMs = 60_000;

/**
 * Moves what the host has put on the clipboard to kame-tools in the session when they come: from then on they have the clipboard, and
 * the agent must not hold another content of the host in Xwayland.
 */
function handOver(host: Host, machine: Running): void {
  const { desktopAgent, sessionHelper } = machine.channels;
  const ended = new AbortController();
  void machine.ended.then(() => ended.abort());
  sessionHelper.onChange(() => {
    const content = sessionHelper.present ? desktopAgent.clipboard.withdraw() : undefined;
    if (!content) return;
    sessionHelper
      .offer(content, { deadlineMs: moveMs, signal: ended.signal })
      .catch((error: unknown) => host.log('Clipboard', { machine: machine.name, reason: messageOf(error) }));
  });
}

/** Connects to the programs in the session of a desktop for as long as they have their ports open. */
export function watchDesktopAgents(host: Host, machine: Running): void {
  watchPort(host, machine, desktopAgentPort, machine.channels.desktopAgent);
  watchPort(host, machine, desktopToolsPort, machine.channels.sessionHelper);
  handOver(host, machine);
}
