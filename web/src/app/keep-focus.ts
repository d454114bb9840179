/** What had the focus last within a part of the page, and what was around it then, from the inside out. */
interface Held {
  readonly element: HTMLElement;
  readonly around: readonly HTMLElement[];
}

function heldIn(root: HTMLElement, element: HTMLElement): Held {
  const around: HTMLElement[] = [];
  for (let at = element.parentElement; at && at !== root; at = at.parentElement) around.push(at);
  return { element, around };
}

const isUsable = (element: HTMLElement) => element.isConnected && !element.matches(':disabled');

/** Gives the focus to something that is not a control, for as long as it has it. */
function focusPlace(place: HTMLElement): void {
  place.tabIndex = -1;
  place.addEventListener('blur', () => place.removeAttribute('tabindex'), { once: true });
  place.focus({ preventScroll: true });
}

function restore(root: HTMLElement, { element, around }: Held): void {
  if (isUsable(element)) {
    element.focus({ preventScroll: true });
    if (document.activeElement !== element) focusPlace(element);
  }
  // One that is disabled will be enabled again when its task has ended.
  else if (!element.isConnected)
    focusPlace(around.find((each) => each.isConnected) ?? root.querySelector('h1') ?? root);
}

/**
 * Keeps the focus near its place when what had it goes: a button that becomes a progress bar, a message that is dismissed, a dialog
 * whose opener was in a menu, a page that was left. Browsers would give it to the whole document, from where neither a keyboard nor a
 * screen reader goes on. Who takes the focus away on purpose, by a click beside everything, is left alone.
 * @param root the part of the page whose focus is kept
 * @returns what ends it
 */
export function keepFocus(root: HTMLElement): () => void {
  let held: Held | undefined;
  const onFocusIn = ({ target }: FocusEvent) => {
    if (target instanceof HTMLElement && target !== root && root.contains(target))
      held = heldIn(root, target);
  };
  const isLost = () => document.activeElement === document.body;
  const onFocusOut = ({ target, relatedTarget }: FocusEvent) => {
    if (relatedTarget !== null || target !== held?.element) return;
    // What is just being removed, or disabled, is so only afterwards.
    setTimeout(() => {
      if (held && target === held.element && isUsable(held.element) && isLost() && document.hasFocus())
        held = undefined;
    });
  };
  const observer = new MutationObserver(() => {
    if (held && isLost()) restore(root, held);
  });
  observer.observe(document.body, { subtree: true, childList: true, attributeFilter: ['disabled'] });
  document.addEventListener('focusin', onFocusIn);
  document.addEventListener('focusout', onFocusOut);
  return () => {
    observer.disconnect();
    document.removeEventListener('focusin', onFocusIn);
    document.removeEventListener('focusout', onFocusOut);
  };
}
