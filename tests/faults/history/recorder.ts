import type { Millis } from '@latchkey/verify';
import type { Credential, Operation } from './history.ts';

/** A request, and what is known of it before it is answered. */
export interface Asked {
  readonly about: Pick<Operation, 'kind' | 'user'> & Partial<Operation>;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** What it is presented with. */
  readonly presents?: HeldCredential | null;
  /** After how long the client hangs up; left out, never. */
  readonly hangUpAfter?: Millis | null;
}

/** A credential with its text, and since when it is held. */
export interface HeldCredential extends Credential {
  readonly text: string;
  readonly since: Millis;
}

/** What came back, as far as anybody looks at it. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** The cookie that it sets, as `name=value`. */
  readonly cookie: string | null;
}

/** What an answer says that belongs into the history. */
export type Said = Partial<Pick<Operation, 'outcome' | 'issues' | 'answered' | 'settled'>>;

/** Makes requests and writes down when each started and ended, and how. */
export class Recorder {
  readonly #answered: Operation[] = [];
  readonly #underWay = new Map<string, Operation>();
  readonly #urls: ReadonlyMap<string, string>;
  #count = 0;

  constructor(urls: ReadonlyMap<string, string>) {
    this.#urls = urls;
  }

  /** All of them; one that is under way has no answer yet, and may have taken effect already. */
  get operations(): readonly Operation[] {
    return [...this.#answered, ...this.#underWay.values()];
  }

  /**
   * Makes one request.
   *
   * @param read what the answer to it says, where it was granted.
   * @throws for a status that no request of ours can get.
   */
  async perform(node: string, asked: Asked, read: (answer: Answer) => Said): Promise<Operation> {
    const { about, presents } = asked;
    this.#count += 1;
    const id = `#${this.#count}`;
    const asking: Operation = {
      ...about,
      id,
      node,
      start: performance.now(),
      end: null,
      outcome: 'unknown',
      ...(presents == null ? {} : { presents: presents.name }),
    };
    this.#underWay.set(id, asking);
    const answer = await this.#send(node, asked);
    const end = answer === null ? null : performance.now();
    const outcome = outcomeOf(answer?.status ?? null, asked);
    const said = answer !== null && outcome === 'ok' ? read(answer) : {};
    const operation: Operation = { ...asking, end, outcome, ...said };
    this.#underWay.delete(id);
    this.#answered.push(operation);
    return operation;
  }

  async #send(
    node: string,
    { method, path, body, presents, hangUpAfter = null }: Asked,
  ): Promise<Answer | null> {
    const headers = new Headers();
    if (body !== undefined) headers.set('Content-Type', 'application/json');
    if (presents?.kind === 'cookie') headers.set('Cookie', presents.text);
    if (presents?.kind === 'token') headers.set('Authorization', `Bearer ${presents.text}`);
    const controller = new AbortController();
    const timer = hangUpAfter === null ? undefined : setTimeout(() => controller.abort(), hangUpAfter);
    try {
      const response = await fetch(`${this.#urls.get(node)}${path}`, {
        method,
        headers,
        signal: controller.signal,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? null;
      return { status: response.status, body: text === '' ? {} : recordOf(JSON.parse(text)), cookie };
    } catch (error) {
      if (controller.signal.aborted) return null;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What we send is never malformed, forbidden or too much: only these can come back. */
const REFUSALS = new Set([400, 401, 404, 409]);

function outcomeOf(status: number | null, { path }: Asked): Operation['outcome'] {
  if (status === null || status === 503) return 'unknown';
  if (status === 200 || status === 201) return 'ok';
  if (REFUSALS.has(status)) return 'refused';
  throw new Error(`${path} answered ${status}`);
}

/** A value of JSON as a record; empty where it is none. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
