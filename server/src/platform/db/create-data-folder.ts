import { PGlite } from '@electric-sql/pglite';

// Runs as a process: makes an embedded database's files in the folder it is given.
const [, , folder = ''] = process.argv;
const pglite = await PGlite.create({ dataDir: folder });
await pglite.close();
