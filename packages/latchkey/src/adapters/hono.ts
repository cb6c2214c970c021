/**
 * Latchkey in a Hono application.
 *
 * @module
 */
import { IncomingMessage } from 'node:http';
import type { Context, Env, MiddlewareHandler } from 'hono';
import type { PermissionOf } from '../access/access.ts';
import { rawHeaderSource } from '../foundation/header-source.ts';
import type { AnyShape, ApplicationSession, Connection, Latchkey, PrincipalOf, Shape } from '../latchkey.ts';
import {
  type AdapterOptions,
  type Admission,
  bodyWasRead,
  type GuardedRequest,
  guard,
  type Loaded,
  type PermissionAbout,
  type PermissionAlone,
  type ResourceFor,
} from './guard.ts';

/** What `signedIn` leaves in the context. */
export interface SignedInVariables<S extends Shape> {
  readonly Variables: { readonly principal: PrincipalOf<S> };
}

/** What `may` leaves in the context. The principal is `null` where a rule allows it to everybody. */
export interface AdmittedVariables<S extends Shape, Resource> {
  readonly Variables: Admission<S, Resource>;
}

/** What a load is handed: the route is not known where a guard is made, so any parameter may be in its path. */
export type LoadContext = Context<Env, `/:${string}`>;

/** Latchkey's doors to a Hono application. */
export interface HonoLatchkey<S extends Shape> {
  /** Answers Latchkey's own paths; the rest falls through. */
  readonly routes: MiddlewareHandler;
  /**
   * Lets only those pass who are signed in, as `c.var.principal`. A person who
   * opens a page is led to the sign-in page and back; a program gets a problem.
   */
  readonly signedIn: MiddlewareHandler<SignedInVariables<S>>;
  /**
   * Lets only those pass who have the permission, as `c.var.principal`. `load`
   * finds what it is about, which is then `c.var.resource`; nothing found is 404,
   * denied is 403, or 401 where signing in or proving again might do.
   */
  readonly may: HonoMay<S>;
  /** The data of the visitor's session, before login too. */
  readonly session: (c: Context) => Promise<ApplicationSession<S['data']>>;
}

/** `may`, by whether the permission is about a resource. */
export interface HonoMay<S extends Shape> {
  (permission: PermissionAlone<S>): MiddlewareHandler<AdmittedVariables<S, undefined>>;
  <Permission extends PermissionAbout<S>, Resource extends ResourceFor<S, Permission>>(
    permission: Permission,
    load: (c: LoadContext) => Loaded<Resource>,
  ): MiddlewareHandler<AdmittedVariables<S, Resource>>;
}

/** Opens Latchkey's doors to a Hono application. */
export function hono<S extends Shape>(auth: Latchkey<S>, options?: AdapterOptions): HonoLatchkey<S>;
export function hono(auth: Latchkey, options: AdapterOptions = {}): object {
  const guards = guard(auth, options);
  const signedIn: MiddlewareHandler<SignedInVariables<AnyShape>> = async (c, next) => {
    const { admitted, refusal } = await guards.signedIn(requestOf(c));
    if (refusal !== null) return refusal;
    c.set('principal', admitted);
    return next();
  };
  const may =
    (
      permission: PermissionOf<AnyShape['access']>,
      load?: (c: Context) => Loaded<unknown>,
    ): MiddlewareHandler<AdmittedVariables<AnyShape, unknown>> =>
    async (c, next) => {
      const find = load === undefined ? undefined : (): Loaded<unknown> => load(c);
      const { admitted, refusal } = await guards.may(requestOf(c), permission, find);
      if (refusal !== null) return refusal;
      c.set('principal', admitted.principal);
      c.set('resource', admitted.resource);
      return next();
    };
  const routes: MiddlewareHandler = async (c, next) => {
    if (!auth.answers(c.req.path)) return next();
    if (c.req.raw.bodyUsed) throw bodyWasRead();
    return auth.handler(c.req.raw, connectionOf(c));
  };
  const session = (c: Context): Promise<ApplicationSession<AnyShape['data']>> =>
    guards.session(requestOf(c), (value) => c.header('Set-Cookie', value, { append: true }));
  return { routes, signedIn, may, session };
}

/** What a check reads of the request: from Node's server where it is there, which spares a `Headers`. */
function requestOf(c: Context): GuardedRequest {
  const incoming = incomingOf(c);
  return incoming === null
    ? c.req.raw
    : { method: c.req.method, url: c.req.url, headers: rawHeaderSource(incoming.rawHeaders) };
}

/** What is known of the connection, where Hono runs on Node's own server. */
function connectionOf(c: Context): Connection {
  const incoming = incomingOf(c);
  if (incoming === null) return { peer: null };
  const { socket } = incoming;
  return { peer: socket.remoteAddress ?? null, cut: () => socket.destroy() };
}

function incomingOf(c: Context): IncomingMessage | null {
  const env: unknown = c.env;
  if (typeof env !== 'object' || env === null || !('incoming' in env)) return null;
  return env.incoming instanceof IncomingMessage ? env.incoming : null;
}
