import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const PROGRAM = join(import.meta.dirname, 'node.ts');
const READY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 50;

/** What all nodes have in common. */
export interface Deployment {
  /** The public origin: the balancer's. */
  readonly url: string;
  readonly database: string;
  readonly secret: string;
  /** Where logs go. */
  readonly folder: string;
}

/** A port of loopback that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new TypeError('the server has no port');
  return address.port;
}

/** One `latchkey serve`, which can be killed and started again on its port. */
export class FleetNode {
  readonly name: string;
  readonly port: number;
  readonly #deployment: Deployment;
  #process: ChildProcess | null = null;

  constructor(name: string, port: number, deployment: Deployment) {
    this.name = name;
    this.port = port;
    this.#deployment = deployment;
  }

  /** The id of its process, or `null` while there is none. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** Starts it and waits until it says that it is ready. */
  async start(): Promise<void> {
    const { url, database, secret, folder } = this.#deployment;
    const inherited = Object.entries(process.env).filter(([name]) => !/^(LATCHKEY_|PORT$|HOST$)/.test(name));
    const log = join(folder, `${this.name}.log`);
    const output = openSync(log, 'a', 0o600);
    const child = fork(PROGRAM, {
      cwd: folder,
      env: {
        ...Object.fromEntries(inherited),
        PORT: String(this.port),
        LATCHKEY_URL: url,
        LATCHKEY_DATA: folder,
        LATCHKEY_DATABASE_URL: database,
        LATCHKEY_SECRET: secret,
        LATCHKEY_PROFILE: 'distributed',
        // One proxy, the balancer: its word on who asks is believed, and nobody else's.
        LATCHKEY_TRUSTED_PROXIES: '1',
        LATCHKEY_LOG_LEVEL: 'warn',
      },
      stdio: ['ignore', output, output, 'ipc'],
      // Ctrl-C is for the program that started it, which then stops all in order.
      detached: true,
    });
    closeSync(output);
    this.#process = child;
    child.once('exit', () => {
      this.#process = null;
    });
    for (let waited = 0; !(await this.#isReady()); waited += LOOK_EVERY_MS) {
      if (this.pid === null || waited > READY_WITHIN_MS) {
        throw new Error(`${this.name} did not start: ${readFileSync(log, 'utf8').trim().slice(-2_000)}`);
      }
      await setTimeout(LOOK_EVERY_MS);
    }
  }

  /** Sends a signal, and waits until the process is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await fetch(`http://127.0.0.1:${this.port}/health/ready`)).ok;
    } catch {
      return false;
    }
  }
}
