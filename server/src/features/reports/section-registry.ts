import type { FieldFault } from '@almanac/contract/errors.ts';
import type { ConfiguredSection } from '@almanac/contract/report-templates.ts';
import { Type } from 'typebox';
import { validationFailed } from '#platform/errors/app-error.ts';
import { quote } from '#platform/http/quote.ts';
import { createBodyReader } from '#platform/http/validation.ts';
import { defineSectionType, type SectionType } from './section-type.ts';

/** The section types that there are. */
export interface SectionRegistry {
  find(type: string): SectionType | undefined;
  /** Throws VALIDATION_ERROR naming each section of an unknown type and each wrong option. */
  check(sections: readonly ConfiguredSection[]): void;
}

/** The one type that the engine has of its own: words of the template. */
const textSection = defineSectionType({
  type: 'text',
  summary: 'Words of one’s own, as Markdown.',
  options: Type.Object({ markdown: Type.String({ minLength: 1, maxLength: 20_000 }) }, { additionalProperties: false }),
  read: async (_tx, { options }) => ({ figures: [], text: options.markdown }),
});

/** Joins the types that features have registered with the engine's own. Throws where two have one name. */
export function createSectionRegistry(registered: readonly SectionType[]): SectionRegistry {
  const types = [...registered, textSection];
  const byName = new Map(types.map((type) => [type.type, type]));
  if (byName.size !== types.length) throw new Error('Two section types have one name.');
  const readers = new Map(types.map(({ type, options }) => [type, createBodyReader(options)]));
  const names = [...byName.keys()].sort().join(', ');

  const listFaults = (section: ConfiguredSection, index: number): FieldFault[] => {
    const at = `sections_config.sections[${index}]`;
    const read = readers.get(section.type);
    if (!read) {
      return [
        { field: `${at}.type`, issue: `${quote(section.type)} is not a type of section; there are ${names}`, index },
      ];
    }
    const { faults = [] } = read(optionsOf(section));
    return faults.map(({ field, issue }) => ({ field: field === 'body' ? at : `${at}.${field}`, issue, index }));
  };
  return {
    find: (type) => byName.get(type),
    check: (sections) => {
      const [first, ...rest] = sections.flatMap(listFaults);
      if (first) throw validationFailed([first, ...rest.slice(0, 19)]);
    },
  };
}

/** What of a configured section is for its type. */
export function optionsOf(section: ConfiguredSection): Record<string, unknown> {
  const { type: _type, title: _title, include_charts: _charts, ...options } = section;
  return options;
}
