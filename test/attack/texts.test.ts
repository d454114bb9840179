import { expect, it } from 'vitest';
import { refusal, replyOf } from '../../src/guest/agent/answer.ts';
import { readInfo, readInterfaces, readOsInfo, readTime } from '../../src/guest/agent/facts.ts';
import { AgentFrames } from '../../src/guest/agent/frames.ts';
import { bytesOf, integerOf, isObject } from '../../src/guest/agent/reply.ts';
import { findChecksum } from '../../src/net/checksum.ts';
import { fuzz } from './fuzz.ts';
import { agentCorpus, sumsCorpus } from './text-samples.ts';

const maxReplyBytes = 8192;

/** Reads what a command of Kame would read from the value of a reply. */
function readValue(value: unknown): void {
  if (Array.isArray(value)) readInterfaces(value);
  else if (isObject(value) && 'supported_commands' in value) readInfo(value);
  else if (isObject(value) && 'out-data' in value) bytesOf(value, 'out-data', 'guest-exec-status', 4096);
  else if (isObject(value) && 'pid' in value) integerOf(value['pid'], 'guest-exec', 'pid');
  else if (isObject(value)) readOsInfo(value);
  else readTime(value);
}

it('reads any answer of the guest agent, or refuses it', async () => {
  const { read, refused } = await fuzz(agentCorpus, (input) => {
    // In two pieces, as it may arrive.
    const frames = new AgentFrames(maxReplyBytes);
    const half = Math.floor(input.length / 2);
    const found = [...frames.push(input.subarray(0, half)), ...frames.push(input.subarray(half))];
    for (const frame of found) {
      const reply = replyOf('guest-any', frame, maxReplyBytes);
      if ('error' in reply) throw refusal('guest-any', reply['error']);
      readValue(reply['return']);
    }
  });
  expect(read).toBeGreaterThan(0);
  expect([...refused.keys()].sort()).toEqual(['GUEST_AGENT_MISSING', 'GUEST_FAILED']);
});

it('finds the checksum of the file in any list, or nothing', async () => {
  const { read, refused } = await fuzz(sumsCorpus, (input) =>
    findChecksum(input.toString('utf8'), { name: 'disk.qcow2' }, 'sha256', 'https://images.test/SUMS'),
  );
  expect(read).toBeGreaterThan(0);
  expect([...refused.keys()]).toEqual(['CHECKSUM_MISMATCH']);
});
