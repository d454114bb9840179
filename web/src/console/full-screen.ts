/** Browsers of the Chromium family let a page have keys that they otherwise use themselves, such as Escape and Alt+Tab. */
interface KeyboardLock {
  readonly keyboard?: { lock(): Promise<void>; unlock(): void };
}

/**
 * Lets the console have the whole display, or ends that. The whole document is shown, since menus are not inside the console; what is
 * not of the console is then hidden by its style.
 */
export async function toggleFullScreen(): Promise<void> {
  const { keyboard } = navigator as KeyboardLock;
  if (document.fullscreenElement) {
    keyboard?.unlock();
    await document.exitFullscreen();
    return;
  }
  await document.documentElement.requestFullscreen().catch(() => undefined);
  await keyboard?.lock().catch(() => undefined);
}
