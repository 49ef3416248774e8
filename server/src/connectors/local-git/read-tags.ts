import { parseSignature, type Signature, type Tag } from './describe-tag.ts';
import { type GitCommand, runGit, streamRecords } from './run-git.ts';

type Place = Pick<GitCommand, 'folder' | 'signal'>;

const fieldsPerTag = 5;
const format = ['%(refname)', '%(objecttype)', '%(creator)', '%(*committer)', '%(contents:subject)'].join('%00');

/** The tags whose full names (`refs/tags/…`) are in `wanted`, by name; people are named as the mailmap has it. */
export async function readTags(place: Place, wanted: ReadonlySet<string>): Promise<Tag[]> {
  if (wanted.size === 0) return [];
  const tags: Tag[] = [];
  const args = ['for-each-ref', `--format=${format}`, 'refs/tags'];
  for await (const lines of streamRecords({ ...place, args }, '\n')) {
    for (const line of lines) {
      const tag = parseTag(line, wanted);
      if (tag) tags.push(tag);
    }
  }
  return nameByMailmap(place, tags);
}

function parseTag(line: string, wanted: ReadonlySet<string>): Tag | undefined {
  const fields = line.split('\0');
  const [refname = '', type = '', creator = '', taggedCommitter = '', subject = ''] = fields;
  if (fields.length < fieldsPerTag || !wanted.has(refname)) return undefined;
  // Tags from the first years of git hold no tagger.
  const signature = parseSignature(creator) ?? parseSignature(taggedCommitter);
  return { name: refname.slice('refs/tags/'.length), message: type === 'tag' ? subject : '', signature };
}

/** Git applies the mailmap to commits by itself, to tags only when asked. */
async function nameByMailmap(place: Place, tags: Tag[]): Promise<Tag[]> {
  const contacts = new Set(tags.flatMap(({ signature }) => (signature ? [formatContact(signature)] : [])));
  if (contacts.size === 0) return tags;
  const input = `${[...contacts].join('\n')}\n`;
  const answer = await runGit({ ...place, args: ['check-mailmap', '--stdin'], input });
  const named = answer.split('\n');
  const nameByContact = new Map([...contacts].map((contact, index) => [contact, named[index] ?? contact]));
  return tags.map((tag) => {
    if (!tag.signature) return tag;
    const name = nameByContact.get(formatContact(tag.signature))?.replace(/ ?<[^<>]*>$/, '') ?? tag.signature.name;
    return { ...tag, signature: { ...tag.signature, name } };
  });
}

function formatContact({ name, email }: Signature): string {
  return `${name.replace(/[<>\p{Cc}]/gu, '')} <${email.replace(/\p{Cc}/gu, '')}>`.trimStart();
}
