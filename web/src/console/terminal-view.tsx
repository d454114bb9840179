import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { useEffect, useRef, type ReactElement } from 'react';
import styles from './console.module.css';
import { onLeaveKeys } from './leave-keys.ts';
import { allowStyledSpans, withStyleSheets } from './terminal-styles.ts';

allowStyledSpans();

/** What a terminal is connected to. */
export interface TerminalEnd {
  /** Connects it, until the signal. */
  readonly connect: (terminal: Terminal, signal: AbortSignal) => void;
  /** For screen readers. */
  readonly label: string;
  readonly leave: () => void;
}

/** Lines that can be scrolled back to. */
const scrollback = 5000;

function themeOf(element: HTMLElement): { background: string; foreground: string } {
  const style = getComputedStyle(element);
  return { background: style.backgroundColor, foreground: style.color };
}

/** A terminal, as large as its place. */
export function TerminalView({ connect, label, leave }: TerminalEnd): ReactElement {
  const place = useRef<HTMLDivElement>(null);
  const leaving = useRef(leave);
  leaving.current = leave;
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const terminal = new Terminal({
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--font-mono').trim(),
      fontSize: 13,
      scrollback,
      cursorBlink: false,
      screenReaderMode: false,
      theme: themeOf(element),
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    withStyleSheets(() => terminal.open(element));
    terminal.textarea?.setAttribute('aria-label', label);
    const observer = new ResizeObserver(() => fit.fit());
    observer.observe(element);
    fit.fit();
    const over = new AbortController();
    const undo = onLeaveKeys(element, () => leaving.current());
    connect(terminal, over.signal);
    terminal.focus();
    return () => {
      over.abort();
      undo();
      observer.disconnect();
      terminal.dispose();
    };
  }, [connect, label]);
  return <div ref={place} className={styles.terminal} />;
}
