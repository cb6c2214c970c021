import { Agent, type IncomingMessage, request } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import type { Millis, Timestamp } from './clock.ts';
import type { Values } from './principal.ts';
import { JsonRefused, parseStrictJson } from './strict-json.ts';

/** The issuer did not answer, or not what it should have. */
export class IssuerFailed extends Error {
  override readonly name = 'IssuerFailed';
  /** What it answered with, or `null` where it could not be reached or said something else. */
  readonly status: number | null;
  /** How long it asked to be left alone, where it did. */
  readonly retryAfter: Millis | null;

  constructor(
    message: string,
    status: number | null,
    { retryAfter = null, ...options }: ErrorOptions & { readonly retryAfter?: Millis | null } = {},
  ) {
    super(message, options);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** What is asked of the issuer. */
export interface Question {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For the whole answer. */
  readonly timeout: Millis;
  /** Ends the question before that. */
  readonly signal?: AbortSignal;
  /** The one type of content that is taken. */
  readonly accept: string;
}

/** A body that is read as it arrives. */
export interface Answer {
  readonly body: AsyncIterable<Uint8Array>;
  /** Lets go of a body that is not read to its end. */
  readonly end: () => void;
}

/**
 * Asks the issuer, and nobody else: whatever a document or an answer names, requests go to
 * this one origin, and a redirect is an error. What arrives is bounded while it is read.
 * By node:http, since a snapshot through `fetch` costs twice its time.
 */
export class IssuerClient {
  readonly #base: string;
  readonly #key: string | null;
  readonly #agent: Agent;
  readonly #ended = new AbortController();

  /**
   * @param base the origin to which all requests go.
   * @param key of the service, sent where it is asked for.
   */
  constructor(base: string, key: string | null) {
    this.#base = base;
    this.#key = key;
    this.#agent = isSecure(base) ? new SecureAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  }

  /** Ends every question that is on its way, and refuses further ones. */
  close(): void {
    this.#ended.abort();
    this.#agent.destroy();
  }

  /** `Authorization` of the service, by its key. */
  get authorization(): Readonly<Record<string, string>> {
    return this.#key === null ? {} : { Authorization: `Bearer ${this.#key}` };
  }

  /** @throws {IssuerFailed} for any answer but 200 of the type that was asked for. */
  async ask(path: string, question: Question): Promise<Answer> {
    const { method = 'GET' } = question;
    const response = await this.#send(path, method, question);
    const { statusCode = 0, headers } = response;
    const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
    if (statusCode === 200 && type === question.accept) {
      return { body: response, end: () => void response.destroy() };
    }
    response.destroy();
    if (statusCode === 401 && question.headers?.['Authorization'] !== undefined) throw keyRefused(statusCode);
    const said = statusCode === 200 ? 'something of another type' : `with ${statusCode}`;
    const retryAfter = secondsIn(headers['retry-after']);
    throw new IssuerFailed(`the issuer answered ${said} to ${method} ${path}`, statusCode, { retryAfter });
  }

  async #send(path: string, method: string, question: Question): Promise<IncomingMessage> {
    const { headers = {}, body = '', timeout, signal, accept } = question;
    const signals = [this.#ended.signal, ...(signal === undefined ? [] : [signal])];
    if (Number.isFinite(timeout)) signals.push(AbortSignal.timeout(timeout));
    try {
      const send = isSecure(this.#base) ? secureRequest : request;
      const sent = send(`${this.#base}${path}`, {
        agent: this.#agent,
        method,
        // Nothing to unpack: what is counted is what was sent.
        headers: { ...headers, Accept: accept, 'Accept-Encoding': 'identity' },
        signal: AbortSignal.any(signals),
      });
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
      sent.once('response', resolve);
      // Cut off later, the response tells whoever reads it.
      sent.on('error', reject);
      sent.end(body);
      return await promise;
    } catch (error) {
      throw new IssuerFailed(`the issuer cannot be reached at ${this.#base}: ${reasonOf(error)}`, null, {
        cause: error,
      });
    }
  }

  /**
   * Asks for an object in JSON.
   *
   * @param most bytes.
   * @throws {IssuerFailed} for anything else.
   */
  async askJson(path: string, question: Omit<Question, 'accept'>, most: number): Promise<Values> {
    const answer = await this.ask(path, { ...question, accept: 'application/json' });
    try {
      const value = parseStrictJson(await readAll(answer.body, most));
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
      throw new IssuerFailed(`the issuer answered no object to ${path}`, null);
    } catch (error) {
      if (error instanceof IssuerFailed) throw error;
      const what = error instanceof JsonRefused ? 'no strict JSON' : 'half an answer';
      throw new IssuerFailed(`the issuer sent ${what} to ${path}`, null, { cause: error });
    } finally {
      answer.end();
    }
  }
}

/** RFC 9110 §10.2.3, in seconds: a date is not what an issuer of ours answers. */
function secondsIn(header: string | undefined): Millis | null {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : null;
}

function keyRefused(status: number): IssuerFailed {
  return new IssuerFailed(
    "the issuer refuses this service's key (401): it was rotated, or its client is disabled; `latchkey clients list` tells",
    status,
  );
}

/** Such as `ECONNREFUSED`; never what was sent. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'for an unknown reason';
  if (error.name === 'TimeoutError') return 'it does not answer in time';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

function isSecure(base: string): boolean {
  return base.startsWith('https:');
}

async function readAll(body: AsyncIterable<Uint8Array>, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body) {
    length += piece.length;
    if (length > most) throw new IssuerFailed('the issuer sent more than can be read', null);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** A member of an answer that must be a whole number, from zero to where doubles are exact. */
export function wholeIn(answer: Values, name: string): number {
  const value = answer[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new IssuerFailed(`the issuer answered another ${name}`, null);
}

/** A member of an answer that must be text of some length. */
export function textIn(answer: Values, name: string, pattern: RegExp): string {
  const value = answer[name];
  if (typeof value === 'string' && pattern.test(value)) return value;
  throw new IssuerFailed(`the issuer answered another ${name}`, null);
}

/** Times on the feed are whole seconds. */
export function timeIn(answer: Values, name: string): Timestamp {
  return wholeIn(answer, name) * 1_000;
}
