/*
 * Keeps one PostgreSQL for the process that started this one, in a folder of its
 * own, and takes both away when that process is gone, however it went: standard
 * input ends even when nobody was left to ask. A session of its own, so that
 * Ctrl-C in a terminal reaches the other process alone.
 *
 * A line of JSON comes in for each step ({ "step": "start" }) and one goes out for
 * each when it is done ({ "error": "…" } where it failed).
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, chownSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { freePort, unprivileged } from './own-server.mjs';
import { postgresPrograms } from './postgres-programs.mjs';

const READY = /database system is ready to accept (?:read-only )?connections/;
/** What passes by itself: processes of one that was killed, which still let go of what it held. */
const PASSING = /pre-existing shared memory block|lock file "postmaster.pid" already exists/;
const STARTS = 50;
const PAUSE_MS = 100;
const PATIENCE_MS = 10_000;

const USER = 'latchkey';

/**
 * @typedef {object} Options
 * @property {Readonly<Record<string, string>>} settings
 * @property {string} password
 * @property {{ dataFolder: string, port: number } | null} primary Whose standby it is, stopped while it is copied.
 */

class Keeper {
  /** @type {import('node:child_process').ChildProcess | null} */
  #process = null;
  #log = '';
  #port = 0;
  #folder = '';
  #programs = { initdb: '', postgres: '' };
  /** @type {{ uid?: number, gid?: number }} */
  #identity = {};

  get #dataFolder() {
    return path.join(this.#folder, 'data');
  }

  /** @param {Options} options */
  async create({ password, primary }) {
    this.#folder = mkdtempSync(path.join(tmpdir(), 'latchkey-postgres-'));
    this.#identity = unprivileged();
    const { uid, gid } = this.#identity;
    if (uid !== undefined && gid !== undefined) chownSync(this.#folder, uid, gid);
    this.#programs = this.#reachable(await postgresPrograms());
    this.#port = await freePort();
    if (primary === null) this.#initialise(password);
    else this.#copy(primary, password);
  }

  /** @param {string} password */
  #initialise(password) {
    const secret = path.join(this.#folder, 'password');
    writeFileSync(secret, password, { mode: 0o644 });
    const { status, stderr } = this.#run(this.#programs.initdb, [
      `--pgdata=${this.#dataFolder}`,
      `--username=${USER}`,
      `--pwfile=${secret}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      // Of the initial files alone: a crash while they are written has nothing to lose.
      '--no-sync',
    ]);
    rmSync(secret);
    if (status !== 0) throw new Error(`initdb failed: ${stderr}`);
  }

  /** @param {{ dataFolder: string, port: number }} primary @param {string} password */
  #copy({ dataFolder, port }, password) {
    // By the user who owns it: what root copies is root's.
    const { status, stderr } = this.#run('cp', ['-R', dataFolder, this.#dataFolder]);
    if (status !== 0) throw new Error(`the primary cannot be copied: ${stderr}`);
    const connection = `host=127.0.0.1 port=${port} user=${USER} password=${password}`;
    appendFileSync(
      path.join(this.#dataFolder, 'postgresql.auto.conf'),
      `primary_conninfo = '${connection} application_name=standby'\n`,
    );
    writeFileSync(path.join(this.#dataFolder, 'standby.signal'), '');
  }

  /** Starts the server; one that was killed a moment ago may have to be waited for. @param {Options} options */
  async start({ settings, password }) {
    for (let left = STARTS; this.#process === null; left -= 1) {
      if (await this.#launch(settings)) break;
      if (left === 0 || !PASSING.test(this.#log)) throw new Error(`PostgreSQL ended: ${this.#log}`);
      await setTimeout(PAUSE_MS);
    }
    const url = `postgres://${USER}:${password}@127.0.0.1:${this.#port}/postgres`;
    return { url, port: this.#port, dataFolder: this.#dataFolder };
  }

  /** @param {NodeJS.Signals} signal SIGINT ends sessions and then itself, SIGKILL is a crash. */
  async end(signal) {
    const running = this.#process;
    if (running === null) return;
    // Its own processes hold the other end of what it prints, so this is the end of all of them.
    const ended = once(running, 'close');
    running.kill(signal);
    const late = new AbortController();
    const patience = setTimeout(PATIENCE_MS, null, { signal: late.signal }).then(
      () => running.kill('SIGQUIT'),
      () => false,
    );
    await ended;
    late.abort();
    await patience;
  }

  remove() {
    if (this.#folder !== '') rmSync(this.#folder, { recursive: true, force: true });
  }

  /** @param {Readonly<Record<string, string>>} settings @returns {Promise<boolean>} false where it ended before it was ready. */
  #launch(settings) {
    this.#log = '';
    const all = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '200',
      ...settings,
    };
    const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(
      this.#programs.postgres,
      ['-D', this.#dataFolder, '-p', String(this.#port), ...flags],
      { ...this.#identity, env: this.#environment, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#process = child;
    return new Promise((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text) => {
        this.#log = `${this.#log}${text}`.slice(-4_000);
        if (READY.test(this.#log)) resolve(true);
      });
      child.once('error', (error) => {
        this.#process = null;
        reject(error);
      });
      child.once('close', () => {
        this.#process = null;
        resolve(false);
      });
    });
  }

  /**
   * The programs, where the user that runs them can reach them: a checkout of root's
   * may lie in a folder that is closed to others.
   *
   * @param {{ initdb: string, postgres: string }} programs
   */
  #reachable(programs) {
    const { status, error } = this.#run(programs.postgres, ['--version']);
    if (status === 0) return programs;
    if (this.#identity.uid === undefined) throw error ?? new Error(`${programs.postgres} does not run`);
    const copy = path.join(this.#folder, 'native');
    cpSync(path.join(path.dirname(programs.postgres), '..'), copy, {
      recursive: true,
      verbatimSymlinks: true,
    });
    chmodSync(copy, 0o755);
    return { initdb: path.join(copy, 'bin/initdb'), postgres: path.join(copy, 'bin/postgres') };
  }

  /** Without the variables by which a client of PostgreSQL would be led elsewhere, and with messages that can be read. */
  get #environment() {
    const others = Object.entries(process.env).filter(([name]) => !/^(?:PG|LC_|LANG)/.test(name));
    return { ...Object.fromEntries(others), LC_ALL: 'C' };
  }

  /** @param {string} program @param {readonly string[]} args */
  #run(program, args) {
    return spawnSync(program, args, {
      ...this.#identity,
      cwd: this.#folder,
      env: this.#environment,
      encoding: 'utf8',
    });
  }
}

/** @param {unknown} answer */
function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

async function main() {
  /** @type {Options} */
  const options = JSON.parse(process.argv[2] ?? '{}');
  const keeper = new Keeper();
  /** @type {Readonly<Record<string, () => Promise<unknown>>>} */
  const steps = {
    create: () => keeper.create(options),
    start: () => keeper.start(options),
    stop: () => keeper.end('SIGINT'),
    kill: () => keeper.end('SIGKILL'),
  };
  // Whoever asked may be gone when the answer is ready.
  process.stdout.on('error', () => {});
  const lines = createInterface(process.stdin);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => lines.close());
  try {
    for await (const line of lines) {
      /** @type {{ step: string }} */
      const { step } = JSON.parse(line);
      try {
        say((await steps[step]?.()) ?? {});
      } catch (error) {
        say({ error: error instanceof Error ? error.message : String(error) });
      }
    }
  } finally {
    await keeper.end('SIGINT');
    keeper.remove();
  }
  process.exit();
}

await main();
