/** How Latchkey uses a PostgreSQL. */
export interface PostgresOptions {
  /** The schema that Latchkey's tables have to themselves, made where it is missing. Default `latchkey`. */
  readonly schema?: string;
  /** The most connections of this process for requests; one more listens, and two follow the log. Default 10. */
  readonly connections?: number;
}

/** The database and who wants in, for messages; never the password. */
export interface Address {
  readonly name: string;
  readonly user: string;
  readonly database: string;
  readonly schema: string;
}

/**
 * Reads a URL and options.
 *
 * @throws {TypeError} that says what is right, and nothing of what was given: a password may be in it.
 */
export function parseOptions(
  text: string,
  { schema = 'latchkey', connections = 10 }: PostgresOptions,
): Address & { readonly connections: number } {
  const url = /^postgres(?:ql)?:\/\//.test(text) ? URL.parse(text) : null;
  const user = decoded(url?.username ?? '');
  const database = decoded(url?.pathname.slice(1) ?? '');
  if (url === null || user === null || database === null)
    throw new TypeError('a URL is needed: postgres://user:password@host:5432/database');
  if (!/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw new TypeError('the name of a schema has up to 63 of a-z, 0-9 and _, and begins with a letter');
  }
  if (!Number.isInteger(connections) || connections < 1 || connections > 1_000) {
    throw new TypeError('a number of connections from 1 to 1000 is needed');
  }
  const host = url.searchParams.get('host') ?? url.host;
  const name = `the PostgreSQL at ${JSON.stringify(`${host}/${database}`)}`;
  return { name, user, database, schema, connections };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
