import { element } from './dom.js';
import { RequestProblem } from './requests.js';

/** @typedef {Record<string, string | undefined>} Attributes */
/**
 * One thing that a form asks for.
 * @typedef {object} Field
 * @property {string} name as the API calls it
 * @property {HTMLElement} node
 * @property {() => unknown} read undefined for what is left out
 * @property {(text: string) => void} setProblem
 * @property {() => void} focus
 */
/** @typedef {{ form: string, name: string, label: string, hint?: string }} FieldFacts */

/**
 * A labelled input. The attributes are those of the element; it is required unless they say otherwise.
 * @param {FieldFacts} facts
 * @param {Attributes & { value?: string }} [attributes]
 * @returns {Field & { input: HTMLInputElement }}
 */
export function createInput(facts, attributes = {}) {
  const input = element('input', { required: '', ...attributes, name: facts.name });
  return {
    ...wrap(facts, input),
    input,
    read: () => (input.value === '' && !input.required ? undefined : input.value),
  };
}

/**
 * A labelled choice of one.
 * @param {FieldFacts} facts
 * @param {{ options: readonly { value: string, label: string }[], value?: string }} choice
 * @returns {Field & { select: HTMLSelectElement }}
 */
export function createSelect(facts, { options, value }) {
  const select = element(
    'select',
    { name: facts.name },
    ...options.map((option) => element('option', { value: option.value }, option.label)),
  );
  if (value !== undefined) select.value = value;
  return { ...wrap(facts, select), select, read: () => select.value };
}

/**
 * A group of boxes to tick.
 * @param {FieldFacts} facts
 * @param {readonly { value: string, label: string, note: string, isTicked?: boolean }[]} options
 * @returns {Field}
 */
export function createChoices({ form, name, label, hint }, options) {
  const problem = element('p', { class: 'problem', id: `${form}-${name}-problem` });
  const boxes = options.map(({ value, isTicked }) =>
    element('input', { type: 'checkbox', name, value, checked: isTicked ? '' : undefined }),
  );
  const rows = boxes.map((box, index) => {
    const option = options[index];
    return element(
      'label',
      { class: 'option' },
      box,
      element('span', {}, option?.label ?? ''),
      element('small', {}, option?.note ?? ''),
    );
  });
  const node = element(
    'fieldset',
    { class: 'field', 'aria-describedby': problem.id },
    element('legend', {}, label),
    ...(hint ? [element('p', { class: 'hint' }, hint)] : []),
    ...rows,
    problem,
  );
  return {
    name,
    node,
    read: () => boxes.filter(({ checked }) => checked).map(({ value }) => value),
    setProblem: (text) => {
      problem.textContent = text && `This ${text}.`;
    },
    focus: () => boxes[0]?.focus(),
  };
}

/**
 * @param {FieldFacts} facts
 * @param {HTMLInputElement | HTMLSelectElement} control
 */
function wrap({ form, name, label, hint }, control) {
  control.id = `${form}-${name}`;
  const problem = element('p', { class: 'problem', id: `${control.id}-problem` });
  const hints = hint ? [element('p', { class: 'hint', id: `${control.id}-hint` }, hint)] : [];
  control.setAttribute('aria-describedby', [...hints, problem].map(({ id }) => id).join(' '));
  const node = element(
    'div',
    { class: 'field' },
    element('label', { for: control.id }, label),
    control,
    ...hints,
    problem,
  );
  return {
    name,
    node,
    setProblem: (/** @type {string} */ text) => {
      problem.textContent = text && `${label} ${text}.`;
      if (text) control.setAttribute('aria-invalid', 'true');
      else control.removeAttribute('aria-invalid');
    },
    focus: () => control.focus(),
  };
}

/**
 * A form that shows what the server finds wrong next to the field it names, and the rest below the fields.
 * @param {{
 *   fields: readonly Field[],
 *   submit: string,
 *   look?: string,
 *   others?: readonly HTMLElement[],
 *   unseen?: Record<string, string>,
 *   onSubmit: (values: Record<string, any>) => Promise<string | void>,
 * }} options `onSubmit` may answer what to tell then; `others` stand next to the button; `unseen` is how to call what is
 *   sent along and not asked for
 */
export function createForm({ fields, submit, look = 'primary', others = [], unseen = {}, onSubmit }) {
  const problem = element('p', { class: 'problem', role: 'alert' });
  const done = element('p', { class: 'done', role: 'status' });
  const button = element('button', { type: 'submit', class: look }, submit);
  const form = element(
    'form',
    { method: 'post' },
    ...fields.map(({ node }) => node),
    problem,
    done,
    element('p', { class: 'choices' }, button, ...others),
  );
  let isBusy = false;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    form.setAttribute('aria-busy', 'true');
    problem.textContent = done.textContent = '';
    for (const field of fields) field.setProblem('');
    const values = Object.fromEntries(fields.map(({ name, read }) => [name, read()]));
    onSubmit(values)
      .then(
        (news) => {
          done.textContent = news ?? '';
        },
        (error) => {
          problem.textContent = showFaults(error, fields, unseen);
        },
      )
      .finally(() => {
        isBusy = false;
        form.removeAttribute('aria-busy');
      });
  });
  return form;
}

/**
 * Puts what is wrong at the fields it is about, and answers what is left to tell.
 * @param {unknown} error
 * @param {readonly Field[]} fields
 * @param {Record<string, string>} unseen
 */
function showFaults(error, fields, unseen) {
  const message = messageOf(error);
  const faults = error instanceof RequestProblem ? error.faults : [];
  const placed = faults.map((fault) => ({ fault, field: fields.find(({ name }) => isAbout(fault.field, name)) }));
  for (const { fault, field } of placed) field?.setProblem(fault.issue);
  placed.find(({ field }) => field)?.field?.focus();
  const others = placed
    .filter(({ field }) => !field)
    .map(({ fault: { field, issue } }) => `${unseen[field] ?? field} ${issue}.`);
  return faults.length === 0 ? message : others.join(' ');
}

/**
 * @param {string} path such as `scopes[3]`
 * @param {string} name
 */
function isAbout(path, name) {
  return path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`);
}

/** @param {unknown} error */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * A button that does a thing by itself.
 * @param {string} text
 * @param {() => void} act
 * @param {Attributes} [attributes]
 */
export function createButton(text, act, attributes = {}) {
  const button = element('button', { type: 'button', ...attributes }, text);
  button.addEventListener('click', act);
  return button;
}
