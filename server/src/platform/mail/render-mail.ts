/** What a mail says. All of it is plain text; nothing in it is taken for markup. */
export interface MailContent {
  title: string;
  paragraphs: readonly string[];
  /** The one thing to do: a button, and the address below it. */
  action?: { label: string; url: string };
  /** Why this mail came, in small print. */
  footer?: string;
}

/** Lays a mail out as text and as HTML, which holds no images, reads in light and dark, and needs no style sheet. */
export function renderMail(content: MailContent): { text: string; html: string } {
  return { text: renderText(content), html: renderHtml(content) };
}

function renderText({ title, paragraphs, action, footer }: MailContent): string {
  const parts = [title, ...paragraphs];
  if (action) parts.push(`${action.label}:\n${action.url}`);
  // The mark by which readers of mail know a signature.
  if (footer !== undefined) parts.push(`-- \n${footer}`);
  return `${parts.join('\n\n')}\n`;
}

// Readers that know no style sheets show the light colours, which stand at each element.
const darkStyles = `
@media (prefers-color-scheme: dark) {
  .page { background: #14171c !important; }
  .card { background: #1d2128 !important; border-color: #2d333d !important; }
  .title, .text { color: #e8eaee !important; }
  .small, .address { color: #a2a9b5 !important; }
  .button { background: #7fa8ff !important; color: #10131a !important; }
}`;

const font = "font-family: system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif";
const small = `${font}; font-size: 13px; line-height: 20px; color: #5d6675`;

function renderHtml({ title, paragraphs, action, footer }: MailContent): string {
  const texts = paragraphs.map(
    (text) =>
      `<p class="text" style="margin: 0 0 16px; ${font}; font-size: 16px; line-height: 25px; color: #1f2530">${escapeText(text).replaceAll('\n', '<br>')}</p>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${escapeText(title)}</title>
<style>${darkStyles}
</style>
</head>
<body class="page" style="margin: 0; padding: 0; background: #f3f5f8">
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0" style="background: #f3f5f8">
<tr><td align="center" style="padding: 32px 16px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width: 520px">
<tr><td class="card" align="left" style="padding: 32px; background: #ffffff; border: 1px solid #dfe4ec; border-radius: 12px">
<h1 class="title" style="margin: 0 0 16px; ${font}; font-size: 22px; line-height: 30px; font-weight: 600; color: #1f2530">${escapeText(title)}</h1>
${texts.join('\n')}
${action ? renderAction(action) : ''}
</td></tr>
${footer === undefined ? '' : `<tr><td class="small" align="left" style="padding: 16px 33px 0; ${small}">${escapeText(footer)}</td></tr>`}
</table>
</td></tr>
</table>
</body>
</html>
`;
}

function renderAction({ label, url }: { label: string; url: string }): string {
  const href = escapeText(url);
  return `<p style="margin: 24px 0"><a class="button" href="${href}" style="display: inline-block; padding: 12px 22px; border-radius: 8px; background: #2456c7; color: #ffffff; text-decoration: none; ${font}; font-size: 16px; line-height: 22px; font-weight: 600">${escapeText(label)}</a></p>
<p class="small" style="margin: 0; ${small}">Or open this address:<br><a class="address" href="${href}" style="color: #5d6675; word-break: break-all">${href}</a></p>`;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeText(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}
