import type { Exporter } from '../kit/exporter.ts';

/** The document as JSON. */
export const jsonExporter: Exporter = {
  format: 'json',
  mediaType: 'application/json; charset=utf-8',
  extension: 'json',
  async *write({ document }) {
    yield `${JSON.stringify(document, null, 2)}\n`;
  },
};
