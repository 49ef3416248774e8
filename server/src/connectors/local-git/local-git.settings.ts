import { type Static, Type } from 'typebox';

/** Settings of a local git repository. The path is the operator's to set: it reaches the server's own disk. */
export const localGitSettings = Type.Object(
  {
    path: Type.String({
      title: 'Folder',
      description:
        'The folder of a git repository on the server: a checkout, a folder inside one, or a bare repository.',
      minLength: 1,
      maxLength: 4096,
      examples: ['/srv/git/website'],
    }),
  },
  { additionalProperties: false },
);

export type LocalGitSettings = Static<typeof localGitSettings>;
