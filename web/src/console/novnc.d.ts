/** The parts of noVNC 1.7 that are used, by its docs/API.md: it comes without types, and those of others are for a version that was CommonJS. */
declare module '@novnc/novnc' {
  /** What noVNC takes for a WebSocket. It sets the listeners. */
  export interface RawChannel {
    binaryType: string;
    readonly protocol: string;
    readonly readyState: string;
    onopen: (() => void) | null;
    onmessage: ((event: { readonly data: ArrayBuffer | Uint8Array }) => void) | null;
    onerror: (() => void) | null;
    onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
    send(data: Uint8Array): void;
    close(): void;
  }

  /** A client of a VNC server that draws into an element. Events: `connect`, `disconnect`, `securityfailure`, `bell`. */
  export default class RFB extends EventTarget {
    constructor(target: HTMLElement, channel: RawChannel, options?: { readonly shared?: boolean });
    background: string;
    compressionLevel: number;
    qualityLevel: number;
    scaleViewport: boolean;
    showDotCursor: boolean;
    viewOnly: boolean;
    blur(): void;
    disconnect(): void;
    focus(options?: FocusOptions): void;
    /** Presses or releases a key; both if `down` is not given. */
    sendKey(keysym: number, code: string, down?: boolean): void;
    toBlob(callback: (blob: Blob | null) => void, type?: string): void;
  }
}
