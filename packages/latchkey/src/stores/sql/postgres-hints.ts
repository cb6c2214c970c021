import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry, EntryKind, Millis, Scope } from '@latchkey/verify';
import { randomUuid } from '../../foundation/random.ts';

/** How long an echo is waited for before it is certain that this connection hears nothing. */
const ECHO_WITHIN: Millis = 2_000;
/** How often it is tried whether the connection still hears: a broken one may say nothing at all. */
const ECHO_EVERY: Millis = 30_000;
/** How often is asked where nothing can be heard. */
const POLL_EVERY: Millis = 250;
/** How long is polled before listening is tried again. */
const POLL_FOR: Millis = 60_000;
const LONGEST_BACKOFF: Millis = 5_000;

/** A connection of its own, as far as listening needs it. */
export interface ListeningClient {
  query(sql: string): Promise<unknown>;
  onNotification(heard: (payload: string) => void): void;
  /** Told when it is broken or ended, by whoever. */
  onEnd(ended: () => void): void;
  /** Ends it, whether or not the other side takes notice. */
  end(): void;
}

export interface PostgresHintsOptions {
  /** Letters, digits and underscores. */
  readonly channel: string;
  /** Opens a connection outside of the pool. */
  readonly connect: () => Promise<ListeningClient>;
  /** Notifies the channel through the pool. */
  readonly notify: (payload: string) => Promise<void>;
}

type Listener = (entries: readonly Entry[], atOnce: boolean) => void;

/**
 * What other processes say that they have appended, by LISTEN on one connection.
 *
 * It is believed only as long as it hears itself: a pooler between may take the command
 * and never pass anything on. Then listeners are told to look four times a second.
 */
export class PostgresHints {
  readonly #options: PostgresHintsOptions;
  readonly #listeners = new Set<Listener>();
  readonly #echoes = new Map<string, () => void>();
  #stop: AbortController | null = null;
  #running: Promise<void> = Promise.resolve();
  #listens = false;

  constructor(options: PostgresHintsOptions) {
    this.#options = options;
  }

  /** Whether notifications arrive; else listeners are told to look, again and again. */
  get listens(): boolean {
    return this.#listens;
  }

  onHint(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    if (this.#stop !== null) return;
    const stop = new AbortController();
    this.#stop = stop;
    this.#running = this.#run(stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop?.abort();
    this.#stop = null;
    await this.#running;
  }

  async #run(stop: AbortSignal): Promise<void> {
    let backoff: Millis = 100;
    while (!stop.aborted) {
      try {
        const heard = await this.#listen(stop);
        backoff = 100;
        if (!heard) await this.#poll(stop);
      } catch {
        // Nothing depends on it: the log is pulled each second all the same.
      }
      this.#listens = false;
      // In the meantime nobody may miss more than a poll would.
      await pause(backoff, stop);
      this.#tell([]);
      backoff = Math.min(backoff * 2, LONGEST_BACKOFF);
    }
  }

  /** Listens until the connection ends or falls silent; false where it never heard itself. */
  async #listen(stop: AbortSignal): Promise<boolean> {
    const { channel, connect } = this.#options;
    const client = await connect();
    const ended = new AbortController();
    client.onEnd(() => ended.abort());
    client.onNotification((payload) => this.#hear(payload));
    const until = AbortSignal.any([stop, ended.signal]);
    try {
      await Promise.race([client.query(`LISTEN ${channel}`), silence(until)]);
      // Whatever was said while nobody listened.
      this.#tell([]);
      if (!(await this.#hearsItself(until))) return ended.signal.aborted || stop.aborted;
      this.#listens = true;
      do await pause(ECHO_EVERY, until);
      while (!until.aborted && (await this.#hearsItself(until)));
      return true;
    } finally {
      this.#listens = false;
      client.end();
    }
  }

  /** @throws where the server takes no notification: then it is not known. */
  async #hearsItself(until: AbortSignal): Promise<boolean> {
    const nonce = randomUuid();
    const { promise: echo, resolve } = Promise.withResolvers<boolean>();
    this.#echoes.set(nonce, () => resolve(true));
    const told = this.#options.notify(`echo ${nonce}`).then(() => true);
    const heard = told.then(() => echo);
    // Where nobody waits for it any more.
    heard.catch(() => undefined);
    try {
      for (let waited: Millis = 0; waited < ECHO_WITHIN && !until.aborted; waited += POLL_EVERY) {
        if (await Promise.race([heard, pause(POLL_EVERY, until).then(() => false)])) return true;
        // It may be that nothing is passed on.
        this.#tell([]);
      }
      if (!(await Promise.race([told, Promise.resolve(false)]))) throw new Error(SILENT);
      return false;
    } finally {
      this.#echoes.delete(nonce);
    }
  }

  async #poll(stop: AbortSignal): Promise<void> {
    for (let polled: Millis = 0; polled < POLL_FOR && !stop.aborted; polled += POLL_EVERY) {
      await pause(POLL_EVERY, stop);
      this.#tell([]);
    }
  }

  #hear(payload: string): void {
    if (payload.startsWith('echo ')) {
      this.#echoes.get(payload.slice(5))?.();
      return;
    }
    const entry = readHint(payload);
    // What cannot be read may be of another build: it still says that there is something.
    this.#tell(entry === null ? [] : [entry]);
  }

  #tell(entries: readonly Entry[]): void {
    for (const listener of this.#listeners) listener(entries, false);
  }
}

const SILENT = `the server says nothing within ${ECHO_WITHIN} ms`;

async function silence(until: AbortSignal): Promise<never> {
  await pause(ECHO_WITHIN, until);
  throw new Error(SILENT);
}

async function pause(millis: Millis, until: AbortSignal): Promise<void> {
  await sleep(millis, undefined, { signal: until, ref: false }).catch(() => undefined);
}

const HINT =
  /^(\d{1,16}) (revoke|changed) (session|user|client|organisation|api_key|signing_key|all) ([\w-]{22}|-) (\d{1,16})$/;

/** Writes an entry as a notification: what follows its position and a space. */
export function writeHint({ kind, scope, subject, expiresAt }: Omit<Entry, 'seq'>): string {
  return [kind, scope, subject === '' ? '-' : subject, expiresAt].join(' ');
}

/** Reads a notification, which anybody with the database's role may have sent; `null` for what is none. */
export function readHint(payload: string): Entry | null {
  const [, seq, kind, scope, subject, expiresAt] = HINT.exec(payload) ?? [];
  if (subject === undefined || (subject === '-') !== (scope === 'all')) return null;
  return {
    seq: Number(seq),
    // What the expression allows is what the types say.
    kind: kind as EntryKind,
    scope: scope as Scope,
    subject: subject === '-' ? '' : subject,
    expiresAt: Number(expiresAt),
  };
}
