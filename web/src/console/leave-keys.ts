/**
 * Calls `leave` when Ctrl and Alt have been pressed together and let go without another key, as in the consoles of VMware and
 * others: the guest has all other keys, Tab too. They go to the guest as well, where they mean nothing.
 * @returns what undoes it
 */
export function onLeaveKeys(element: HTMLElement, leave: () => void): () => void {
  let armed = false;
  const down = ({ key, ctrlKey, altKey }: KeyboardEvent) => {
    armed = (key === 'Control' || key === 'Alt') && ctrlKey && altKey;
  };
  const up = ({ ctrlKey, altKey }: KeyboardEvent) => {
    if (!armed || ctrlKey || altKey) return;
    armed = false;
    leave();
  };
  const disarm = () => (armed = false);
  // Before noVNC, which keeps them.
  element.addEventListener('keydown', down, true);
  element.addEventListener('keyup', up, true);
  element.addEventListener('mousedown', disarm, true);
  return () => {
    element.removeEventListener('keydown', down, true);
    element.removeEventListener('keyup', up, true);
    element.removeEventListener('mousedown', disarm, true);
  };
}
