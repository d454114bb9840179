import type { RawChannel } from '@novnc/novnc';
import type { ScreenConnection } from '../../../src/client/core/screen-channel.ts';

/** Watches what goes through a connection. */
export interface Traffic {
  readonly received: (bytes: number) => void;
  readonly sent: (data: Uint8Array) => void;
}

/** An open connection to a screen as noVNC takes it: it looks for exactly the members of a WebSocket. */
export class RfbChannel implements RawChannel {
  binaryType = 'arraybuffer';
  readonly protocol = '';
  readyState = 'open';
  onopen: RawChannel['onopen'] = null;
  onmessage: RawChannel['onmessage'] = null;
  onerror: RawChannel['onerror'] = null;
  onclose: RawChannel['onclose'] = null;
  /** Settles when the connection has ended; rejects with what the daemon reported. */
  readonly ended: Promise<void>;
  readonly #connection: ScreenConnection;
  readonly #traffic: Traffic;

  constructor(connection: ScreenConnection, traffic: Traffic) {
    this.#connection = connection;
    this.#traffic = traffic;
    this.ended = this.#read();
    this.ended.catch(() => undefined);
  }

  send(data: Uint8Array): void {
    this.#traffic.sent(data);
    // noVNC uses its buffer again. What cannot be sent any more ends the connection, which is told.
    void this.#connection.write(data.slice()).catch(() => undefined);
  }

  close(): void {
    this.readyState = 'closing';
    this.#connection.close();
  }

  async #read(): Promise<void> {
    try {
      for await (const data of this.#connection.output) {
        this.#traffic.received(data.length);
        this.onmessage?.({ data });
      }
    } finally {
      this.readyState = 'closed';
      this.onclose?.({ code: 1000, reason: '' });
    }
  }
}
