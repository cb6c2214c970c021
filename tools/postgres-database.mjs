import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { providePostgres } from './postgres.mjs';

/**
 * One server for the whole process, where the command that runs the tests has not brought one.
 *
 * @type {Promise<{ readonly url: string }> | null}
 */
let provided = null;

/** @returns {Promise<string>} */
async function serverUrl() {
  provided ??= providePostgres(process.env);
  return (await provided).url;
}

/**
 * An empty database of the caller's own in the PostgreSQL of the tests, or in
 * `server`, and how to be rid of it, whoever is still connected.
 *
 * @param {{ readonly url: string }} [server]
 */
export async function createDatabase(server) {
  const administrator = server?.url ?? (await serverUrl());
  const name = `latchkey_test_${randomBytes(8).toString('hex')}`;
  const url = new URL(administrator);
  url.pathname = `/${name}`;
  await run(administrator, `create database ${name} template template0`);
  return { url: url.href, drop: () => run(administrator, `drop database if exists ${name} with (force)`) };
}

/**
 * An empty schema of the caller's own, of which nothing is there yet, in `database`, and
 * how to be rid of it.
 *
 * @param {{ readonly url: string }} database
 */
export function nameSchema({ url }) {
  const schema = `latchkey_${randomBytes(8).toString('hex')}`;
  return { url, schema, drop: () => run(url, `drop schema if exists ${schema} cascade`) };
}

/**
 * Runs one statement over a connection of its own.
 *
 * @param {string} url
 * @param {string} statement
 */
export async function run(url, statement) {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
