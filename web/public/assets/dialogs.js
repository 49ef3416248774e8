import { element } from './dom.js';
import { createButton, messageOf } from './forms.js';

/**
 * Opens a dialog above the page. The browser keeps the focus inside, closes it with Escape and gives the focus back.
 * @param {{ title: string, content: readonly (Node | string)[] }} options
 */
export function openDialog({ title, content }) {
  const heading = element('h2', { id: 'dialog-title', tabindex: '-1' }, title);
  const body = element('div', { class: 'dialog-body' }, ...content);
  const node = element('dialog', { 'aria-labelledby': heading.id }, heading, body);
  /** @type {Promise<void>} */
  const closed = new Promise((resolve) => {
    node.addEventListener('close', () => {
      node.remove();
      resolve();
    });
  });
  document.body.append(node);
  node.showModal();
  return {
    closed,
    close: () => node.close(),
    /** @param {...(Node | string)} nodes */
    show: (...nodes) => {
      body.replaceChildren(...nodes);
      const first = body.querySelector('input, select, button');
      if (first instanceof HTMLElement) first.focus();
    },
  };
}

/**
 * Asks before something is done that cannot be undone, and does it while the dialog is open, so that what goes wrong is
 * told there.
 * @param {{ title: string, text: string, action: string, act: () => Promise<unknown>, done: () => void }} options `done`
 *   runs once the dialog is closed
 */
export function askFirst({ title, text, action, act, done }) {
  const problem = element('p', { class: 'problem', role: 'alert' });
  const go = () => {
    act().then(
      () => {
        dialog.close();
        done();
      },
      (error) => {
        problem.textContent = messageOf(error);
      },
    );
  };
  const cancel = createButton('Cancel', () => dialog.close(), { autofocus: '' });
  const choices = element('p', { class: 'choices' }, createButton(action, go, { class: 'danger' }), cancel);
  const dialog = openDialog({ title, content: [element('p', {}, text), problem, choices] });
}
