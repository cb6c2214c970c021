import { setTimeout } from 'node:timers/promises';
import type { Ending, Request } from './summary.ts';

/** How the people's devices hold who they are: a cookie, a cookie and a token, two tokens. */
const CLIENTS = ['web', 'spa', 'mobile'] as const;
type Client = (typeof CLIENTS)[number];

export const PASSWORD = 'lantern orchid gravel seven';
const PAUSE_MS = 250;
const SIGN_UPS_AT_ONCE = 4;
/** Each so many requests a device gets itself a new token. */
const RENEWS_EACH = 8;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
  /** Whether the connection broke off in the middle of it. */
  readonly cut: boolean;
}

interface Call {
  readonly method?: string;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Who lives through the run, and what they saw. Milliseconds are of `performance.now()`. */
export class People {
  readonly requests: Request[] = [];
  readonly endings: Ending[] = [];
  readonly #devices: Device[] = [];
  readonly #origin: string;
  readonly #plans: ((signal: AbortSignal) => Promise<void>)[] = [];

  /** @param origin the balancer's. */
  constructor(origin: string) {
    this.#origin = origin;
  }

  /** How many devices are signed in, by client. */
  get devices(): ReadonlyMap<Client, number> {
    return new Map(
      CLIENTS.map((name) => [name, this.#devices.filter(({ client }) => client === name).length]),
    );
  }

  /** Everybody signs up; one in four has a second device. */
  async arrive(count: number): Promise<void> {
    const waiting = Array.from({ length: count }, (_, index) => index);
    const signUp = async (): Promise<void> => {
      for (let index = waiting.shift(); index !== undefined; index = waiting.shift())
        await this.#arrive(index);
    };
    await Promise.all(Array.from({ length: SIGN_UPS_AT_ONCE }, signUp));
  }

  async #arrive(index: number): Promise<void> {
    const email = emailOf(index);
    const client = CLIENTS[index % CLIENTS.length] ?? 'web';
    const device = await this.#signIn('/auth/sign-up', email, client);
    const habit = Math.floor(index / CLIENTS.length) % 4;
    if (habit === 0) this.#plans.push((signal) => this.#end(device, device, signal));
    if (habit === 1) {
      const second = await this.#signIn('/auth/sign-in', email, client === 'mobile' ? 'web' : 'mobile');
      this.#plans.push((signal) => this.#end(device, second, signal));
    }
  }

  async #signIn(path: string, email: string, client: Client): Promise<Device> {
    const { status, headers, body } = await this.#fetch(path, {
      json: { email, password: PASSWORD, client },
    });
    if (status >= 300) throw new Error(`${path} answered ${status}: ${JSON.stringify(body)}`);
    const device = new Device(this.#devices.length, client);
    device.keep(headers, body);
    this.#devices.push(device);
    return device;
  }

  /** Until `signal` each device asks who it is, again and again. */
  async live(signal: AbortSignal): Promise<void> {
    await Promise.all(
      this.#devices.map(async (device) => {
        for (let count = device.id; !signal.aborted; count += 1) {
          await setTimeout(PAUSE_MS * (0.5 + Math.random()));
          await (count % RENEWS_EACH === 0 && device.client !== 'web'
            ? this.#renew(device)
            : this.#check(device));
        }
      }),
    );
  }

  /** Spread over so many milliseconds, one in four signs out and one in four ends the session of the second device. */
  async endSome(within: number, signal: AbortSignal): Promise<void> {
    const step = within / this.#plans.length;
    await Promise.all(this.#plans.map((end, index) => setTimeout(step * index).then(() => end(signal))));
  }

  /** A token that is refused is renewed once, and the answer after that decides. */
  async #check(device: Device): Promise<void> {
    const decides = device.access === null;
    const ask = (last: boolean): Promise<Answer | null> =>
      this.#record(device, { act: 'check', decides: last }, '/auth/me', { headers: device.credential });
    const answer = await ask(decides);
    if (answer?.status === 401 && !decides && (await this.#renew(device))) await ask(true);
  }

  /** Whether the device has a new token. One that fails is repeated later, with the same refresh token. */
  async #renew(device: Device): Promise<boolean> {
    const { refresh, cookie } = device;
    const call: Call =
      refresh === null
        ? { json: { grant_type: 'urn:latchkey:grant:session' }, headers: { cookie } }
        : { form: { grant_type: 'refresh_token', refresh_token: refresh } };
    const answer = await this.#record(device, { act: 'renew', decides: true }, '/auth/token', call);
    if (answer?.status !== 200) return false;
    device.keep(answer.headers, answer.body);
    return true;
  }

  /** Signs out, or ends all sessions of its person but its own; repeated until it is acknowledged. */
  async #end(device: Device, ended: Device, signal: AbortSignal): Promise<void> {
    const own = device === ended;
    const path = own ? '/auth/sign-out' : '/auth/sessions?except=current';
    const ending: Ending = { device: ended.id, begun: performance.now(), acknowledged: null };
    this.endings.push(ending);
    while (ending.acknowledged === null && !signal.aborted) {
      const kind = { act: 'end', decides: device.access === null } as const;
      const call: Call = { method: own ? 'POST' : 'DELETE', headers: device.credential };
      const answer = await this.#record(device, kind, path, call);
      if (answer?.status === 200) ending.acknowledged = performance.now();
      else await setTimeout(PAUSE_MS);
      // The try before this one may have done it, and then its own token is older than what it did.
      if (answer?.status === 401 && !kind.decides) await this.#renew(device);
    }
  }

  async #record(
    device: Device,
    kind: Pick<Request, 'act' | 'decides'>,
    path: string,
    call: Call,
  ): Promise<Answer | null> {
    const start = performance.now();
    let answer: Answer | null = null;
    try {
      answer = await this.#fetch(path, call);
    } catch {
      // No answer at all: the person saw a failure, and so it counts.
    }
    const node = answer?.headers.get('x-answered-by') ?? null;
    this.requests.push({
      device: device.id,
      ...kind,
      start,
      end: performance.now(),
      status: answer === null || answer.cut ? null : answer.status,
      node,
      lostOn: answer?.cut === true ? node : (answer?.headers.get('x-lost-on') ?? null),
    });
    return answer?.cut === true ? null : answer;
  }

  async #fetch(path: string, { json, form, headers, method }: Call): Promise<Answer> {
    const sent = json === undefined ? form && new URLSearchParams(form) : JSON.stringify(json);
    const response = await fetch(`${this.#origin}${path}`, {
      method: method ?? (sent === undefined ? 'GET' : 'POST'),
      redirect: 'manual',
      headers: { ...headers, ...(json === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(sent === undefined ? {} : { body: sent }),
    });
    const text = await response.text().catch(() => null);
    const parsed: unknown = text === null || text === '' ? {} : JSON.parse(text);
    const body = isRecord(parsed) ? parsed : {};
    return { status: response.status, headers: response.headers, body, cut: text === null };
  }
}

/** The address that a person signs up with. */
export function emailOf(index: number): string {
  return `person-${index + 1}@example.com`;
}

/** What one device holds of one sign-in. */
class Device {
  readonly id: number;
  readonly client: Client;
  cookie = '';
  access: string | null = null;
  refresh: string | null = null;

  constructor(id: number, client: Client) {
    this.id = id;
    this.client = client;
  }

  /** A token where there is one, else the cookie. */
  get credential(): Readonly<Record<string, string>> {
    return this.access === null ? { cookie: this.cookie } : { authorization: `Bearer ${this.access}` };
  }

  /** Takes over whatever an answer hands out. */
  keep(headers: Headers, body: Readonly<Record<string, unknown>>): void {
    const [cookie] = headers.getSetCookie();
    if (cookie !== undefined) this.cookie = cookie.split(';')[0] ?? '';
    const { access_token: access, refresh_token: refresh } = body;
    if (typeof access === 'string') this.access = access;
    if (typeof refresh === 'string') this.refresh = refresh;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
