import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';

const KEEPER = path.join(import.meta.dirname, 'postgres-keeper.mjs');
const REMEDY = 'name a throw-away PostgreSQL, 13 or newer, by LATCHKEY_TEST_DATABASE_URL=postgres://…';

/** There is no PostgreSQL, and none could be started. The message is one line that says what to do. */
export class PostgresMissing extends Error {}

/**
 * A PostgreSQL of the caller's own, in a temporary folder, on a free port of
 * loopback. It is stopped and its folder removed by `remove()`, and else when this
 * process is gone, however it went.
 *
 * @typedef {object} PostgresServer
 * @property {string} url With a password, of a role that may do everything.
 * @property {number} port
 * @property {string} dataFolder
 * @property {string} password
 * @property {() => Promise<void>} stop Ends its sessions, then itself; the data stay.
 * @property {() => Promise<void>} kill Crashes it: SIGKILL.
 * @property {() => Promise<void>} restart Starts it again on the same port, stopped before where it runs.
 * @property {() => Promise<void>} remove Stops it for good and removes its folder.
 */

/**
 * Starts a PostgreSQL; takes about a second.
 *
 * @param {object} [options]
 * @param {Readonly<Record<string, string>>} [options.settings] As in `postgresql.conf`.
 * @param {PostgresServer} [options.standbyOf] Its primary, which must be stopped while this one is made.
 * @returns {Promise<PostgresServer>}
 * @throws {PostgresMissing}
 */
export async function startPostgres({ settings = {}, standbyOf } = {}) {
  const password = standbyOf?.password ?? randomBytes(12).toString('hex');
  const { dataFolder: folder, port: at } = standbyOf ?? {};
  const primary = folder === undefined || at === undefined ? null : { dataFolder: folder, port: at };
  const keeper = new Keeper({ settings, password, primary });
  try {
    await keeper.ask('create');
    const { url, port, dataFolder } = await keeper.ask('start');
    if (url === undefined || port === undefined || dataFolder === undefined) {
      throw new TypeError('a server that has started says where it is');
    }
    return {
      url,
      port,
      dataFolder,
      password,
      stop: async () => void (await keeper.ask('stop')),
      kill: async () => void (await keeper.ask('kill')),
      restart: async () => {
        await keeper.ask('stop');
        await keeper.ask('start');
      },
      remove: () => keeper.end(),
    };
  } catch (error) {
    await keeper.end();
    const why = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ');
    throw new PostgresMissing(`no PostgreSQL could be started (${why}): ${REMEDY}`, { cause: error });
  }
}

/** No test cuts the power, and without it what is written survives the end of any process. */
const FOR_TESTS = { fsync: 'off' };

/**
 * The PostgreSQL that tests use: the one that `LATCHKEY_TEST_DATABASE_URL` names,
 * else one that is started for them.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {Readonly<Record<string, string>>} [settings] Of one that is started.
 * @returns {Promise<{ readonly url: string, readonly remove: () => Promise<void> }>}
 * @throws {PostgresMissing}
 */
export async function providePostgres(env, settings = FOR_TESTS) {
  const named = env['LATCHKEY_TEST_DATABASE_URL'];
  if (named === undefined || named === '') return await startPostgres({ settings });
  if (!/^postgres(?:ql)?:\/\//.test(named)) {
    throw new PostgresMissing(`LATCHKEY_TEST_DATABASE_URL is no URL of a PostgreSQL: ${REMEDY}`);
  }
  return { url: named, remove: async () => {} };
}

/** @typedef {{ error?: string, url?: string, port?: number, dataFolder?: string }} Answer */

/** The process beside this one that keeps the server: what lives on here is never kept alive by it. */
class Keeper {
  /** @readonly */
  #child;
  /** @readonly */
  #lines;
  /** @type {Promise<unknown>} */
  #turn = Promise.resolve();

  /** @param {{ settings: Readonly<Record<string, string>>, password: string, primary: object | null }} options */
  constructor(options) {
    this.#child = spawn(process.execPath, [KEEPER, JSON.stringify(options)], {
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_'))),
    });
    this.#child.stdin.on('error', () => {});
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
    this.#hold(false);
  }

  /** @param {string} step @returns {Promise<Answer>} */
  ask(step) {
    const answer = this.#turn.then(async () => {
      this.#hold(true);
      this.#child.stdin.write(`${JSON.stringify({ step })}\n`);
      const { value, done } = await this.#lines.next();
      this.#hold(false);
      if (done === true) throw new Error('the process that keeps PostgreSQL has ended');
      /** @type {Answer} */
      const told = JSON.parse(value);
      if (told.error !== undefined) throw new Error(told.error);
      return told;
    });
    this.#turn = answer.catch(() => {});
    return answer;
  }

  async end() {
    this.#hold(true);
    this.#child.stdin.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      await new Promise((resolve) => this.#child.once('exit', resolve));
    }
  }

  /** @param {boolean} alive Whether this process waits for the other. */
  #hold(alive) {
    for (const part of [this.#child, this.#child.stdin, this.#child.stdout]) {
      if (part instanceof Socket || part === this.#child) part[alive ? 'ref' : 'unref']();
    }
  }
}
