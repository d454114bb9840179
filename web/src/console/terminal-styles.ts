/**
 * xterm.js writes its rules into elements `style`, and colours into attributes `style`. The policy of the page forbids both in markup,
 * so that no text can become a style. The same rules in a constructed style sheet, and the same declarations through the CSSOM, are
 * allowed: a script of ours makes them.
 */

const html = 'http://www.w3.org/1999/xhtml';

/**
 * What xterm.js takes for an element `style`: its text becomes the rules of a style sheet of the document, for as long as it is
 * there. It is another element, since the policy forbids even an empty one.
 */
function styleElement(): HTMLElement {
  const element = document.createElementNS(html, 'template');
  const sheet = new CSSStyleSheet();
  const setRules = (rules: string) => {
    sheet.replaceSync(rules);
  };
  Object.defineProperty(element, 'textContent', { set: setRules });
  document.adoptedStyleSheets.push(sheet);
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}

/** Opens a terminal, which makes its elements `style` in this call. */
export function withStyleSheets(open: () => void): void {
  const create = (tag: string) => (tag === 'style' ? styleElement() : document.createElementNS(html, tag));
  Object.defineProperty(document, 'createElement', { value: create, configurable: true });
  try {
    open();
  } finally {
    // What is left is the method of all documents.
    Reflect.deleteProperty(document, 'createElement');
  }
}

/** Makes the attribute `style` of a span, in which a terminal has its text, set its declarations, as it does without a policy. */
export function allowStyledSpans(): void {
  HTMLSpanElement.prototype.setAttribute = function setAttribute(name, value) {
    if (name === 'style') this.style.cssText = value;
    else Element.prototype.setAttribute.call(this, name, value);
  };
}
