import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a request was answered with. */
export type Answer = 'accepts' | 'refuses' | 'unsure' | 'silent';

/** A request as the page draws it: when it began, in milliseconds since 1970, and how it went. */
export type Tick = readonly [at: number, answer: Answer];

/** How a service took a revocation. Milliseconds count from the call. */
export interface Turn {
  /** When the first request was answered that was not let in; `null` where none was yet. */
  readonly after: number | null;
  /** Whether nobody was let in any more when the call began. */
  readonly already: boolean;
}

/** A tenth of a second between two requests, and next to nothing while it matters. */
const CALM_MS = 100;
const QUICK_MS = 5;
const PATIENCE_MS = 1_000;

/** The time in milliseconds since 1970, finer than a clock tells it. */
export function preciseNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Steady requests to one service with one person's credential, one at a time. */
export class Lamp {
  readonly name: string;
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #stopped = new AbortController();
  readonly #onChange: () => void;
  #headers: Readonly<Record<string, string>> = {};
  #answer: Answer | null = null;
  #requests = 0;
  #ticks: Tick[] = [];
  #quickUntil = 0;
  #pause = new AbortController();
  #calledAt: number | null = null;
  #turn: Turn | null = null;

  /** @param onChange told when the service answers otherwise than before. */
  constructor(name: string, url: string, onChange: () => void) {
    this.name = name;
    this.#url = url;
    this.#onChange = onChange;
  }

  get answer(): Answer | null {
    return this.#answer;
  }

  get requests(): number {
    return this.#requests;
  }

  get turn(): Turn | null {
    return this.#turn;
  }

  /** Presents this from now on. */
  present(headers: Readonly<Record<string, string>>): void {
    this.#headers = headers;
  }

  /** Forgets an earlier revocation. */
  reset(): void {
    this.#calledAt = null;
    this.#turn = null;
  }

  /** Watches for the first refusal from now on, with a request each few milliseconds for so long. */
  watchClosely(millis: number): void {
    const already = this.#answer !== 'accepts';
    this.#calledAt = preciseNow();
    this.#turn = { after: null, already };
    this.#quickUntil = this.#calledAt + millis;
    this.#pause.abort();
  }

  /** What was asked since the last time that this was. */
  takeTicks(): readonly Tick[] {
    const taken = this.#ticks;
    this.#ticks = [];
    return taken;
  }

  /** Asks until it is stopped. */
  async run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const at = preciseNow();
      const answer = await this.#ask();
      this.#note(at, answer);
      this.#pause = new AbortController();
      const quick = preciseNow() < this.#quickUntil;
      const signal = AbortSignal.any([this.#pause.signal, this.#stopped.signal]);
      await sleep(quick ? QUICK_MS : CALM_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  stop(): void {
    this.#stopped.abort();
    this.#agent.destroy();
  }

  #note(at: number, answer: Answer): void {
    const changed = answer !== this.#answer;
    this.#answer = answer;
    this.#requests += 1;
    this.#ticks.push([at, answer]);
    const calledAt = this.#calledAt;
    const turn = this.#turn;
    const waiting = calledAt !== null && turn !== null && turn.after === null;
    // One that was under way when the call began says nothing about it.
    if (waiting && answer !== 'accepts' && at >= calledAt)
      this.#turn = { ...turn, after: preciseNow() - calledAt };
    if (changed) this.#onChange();
  }

  async #ask(): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const asking = request(this.#url, { agent: this.#agent, headers: this.#headers, timeout: PATIENCE_MS });
    asking.once('response', (response) => {
      response.resume();
      response.once('close', () => resolve(answerOf(response.statusCode ?? 0)));
    });
    asking.once('timeout', () => asking.destroy());
    asking.once('error', () => resolve('silent'));
    asking.end();
    return await promise;
  }
}

function answerOf(status: number): Answer {
  if (status === 200) return 'accepts';
  if (status === 503) return 'unsure';
  return status === 401 ? 'refuses' : 'silent';
}
