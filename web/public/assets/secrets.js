import { element } from './dom.js';
import { createButton } from './forms.js';

/**
 * Something that is shown this once: it can be copied, and kept as a file.
 * @param {{ text: string, label: string, file?: string }} secret
 */
export function createSecret({ text, label, file }) {
  const shown = element('pre', { class: 'secret', tabindex: '0', role: 'group', 'aria-label': label }, text);
  const told = element('span', { class: 'done', role: 'status' });
  const copy = createButton('Copy', () => {
    copyText(text).then(
      () => {
        told.textContent = 'Copied.';
      },
      () => {
        getSelection()?.selectAllChildren(shown);
        told.textContent = 'Selected: copy it with the keyboard.';
      },
    );
  });
  const keep = file ? [createButton('Download', () => download(text, file))] : [];
  return element('div', { class: 'kept' }, shown, element('p', { class: 'choices' }, copy, ...keep, told));
}

/**
 * Fails where the page was not loaded over a connection that the browser trusts.
 * @param {string} text
 */
async function copyText(text) {
  if (!navigator.clipboard) throw new Error('There is no clipboard.');
  await navigator.clipboard.writeText(text);
}

/**
 * @param {string} text
 * @param {string} file
 */
function download(text, file) {
  const url = URL.createObjectURL(new Blob([`${text}\n`], { type: 'text/plain' }));
  element('a', { href: url, download: file }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
