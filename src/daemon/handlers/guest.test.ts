import { describe, expect, it } from 'vitest';
import { useWorld } from '../../../test/support/world.ts';
import { localPrincipal } from '../access/principal.ts';
import { guestHandlers } from './guest.ts';
import type { Channel, HandlerRequest, Services } from './handler.ts';

const world = useWorld();

/** The daemon's side of a WebSocket whose client leaves when this many messages were sent to it; what they were. */
function clientThatTakes(count: number) {
  const sent: string[] = [];
  let leave: () => void = () => undefined;
  const left = new Promise<undefined>((resolve) => (leave = () => resolve(undefined)));
  const take = (data: string | Buffer) => {
    sent.push(data.toString());
    if (sent.length === count) leave();
  };
  const channel: Channel = {
    sendBuffer: (data, sent) => {
      take(Buffer.from(data));
      sent();
    },
    next: async () => await left,
    send: async (data) => await Promise.resolve(take(data)),
    push: take,
    onClosed: (run) => void left.then(run),
    close: leave,
  };
  return { channel, sent };
}

describe('the console', () => {
  it('says that it is connected before the guest prints anything', async () => {
    world().machine();
    await world().start('demo', {});
    const { channel, sent } = clientThatTakes(1);
    const services = { host: world().host, principal: localPrincipal('socket') } as Services;
    const request = { params: { machine: 'demo' } } as HandlerRequest<'machines.console'>;
    await guestHandlers['machines.console'](services, request, channel);
    expect(sent).toEqual(['']);
  });
});
