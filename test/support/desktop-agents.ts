import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { DesktopAgent } from '../../src/guest/vdagent/desktop-agent.ts';
import { FakeVdagent, type FakeVdagentOptions } from './fake-vdagent.ts';

const { signal } = new AbortController();

/** Limits for what comes soon. */
export const soon = { deadlineMs: 10_000, signal };
/** An agent in a guest, and the host's side of it, for the test that runs. */
export async function openAgent(options: FakeVdagentOptions = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'kame-vda-'));
  const guest = await FakeVdagent.listen(join(directory, 'vdagent'), options);
  const agent = new DesktopAgent({ path: guest.path, afterBreachMs: 1 });
  onTestFinished(async () => {
    agent.close();
    await guest[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });
  return { guest, agent };
}

/** The same, when both have greeted each other. */
export async function connectedAgent(options: FakeVdagentOptions = {}) {
  const { guest, agent } = await openAgent(options);
  agent.portChanged(true);
  await agent.waitPresent(soon);
  return { guest, agent };
}

/** Waits for a state of the clipboard. */
export async function changed(agent: DesktopAgent, condition: () => boolean): Promise<void> {
  await new Promise<void>((resolve) => {
    if (condition()) resolve();
    else {
      const listening = agent.onChange(() => {
        if (!condition()) return;
        listening[Symbol.dispose]();
        resolve();
      });
    }
  });
}
