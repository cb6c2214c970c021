/**
 * Latchkey in an Express application.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request } from 'express';
import type { PermissionOf } from '../access/access.ts';
import type { AnyShape, ApplicationSession, Latchkey, PrincipalOf, Shape } from '../latchkey.ts';
import {
  type AdapterOptions,
  type Admission,
  type GuardedRequest,
  guard,
  type Loaded,
  type PermissionAbout,
  type PermissionAlone,
  type ResourceFor,
} from './guard.ts';
import { answer, guardedRequest, send } from './incoming.ts';

/**
 * A middleware that leaves something in `res.locals`, where the handlers after it
 * find it with its type.
 */
export type Middleware<Locals> = (
  req: IncomingMessage,
  res: ServerResponse & { locals: Locals },
  next: () => void,
) => Promise<void>;

/** Latchkey's doors to an Express application. */
export interface ExpressLatchkey<S extends Shape> {
  /** Answers Latchkey's own paths; the rest falls through. To be mounted before what reads bodies. */
  readonly routes: Middleware<object>;
  /**
   * Lets only those pass who are signed in, as `res.locals.principal`. A person
   * who opens a page is led to the sign-in page and back; a program gets a problem.
   */
  readonly signedIn: Middleware<{ principal: PrincipalOf<S> }>;
  /**
   * Lets only those pass who have the permission, as `res.locals.principal`.
   * `load` finds what it is about, which is then `res.locals.resource`; nothing
   * found is 404, denied is 403, or 401 where signing in or proving again might do.
   */
  readonly may: ExpressMay<S>;
  /** The data of the visitor's session, before login too. */
  readonly session: (req: IncomingMessage, res: ServerResponse) => Promise<ApplicationSession<S['data']>>;
}

/** `may`, by whether the permission is about a resource. */
export interface ExpressMay<S extends Shape> {
  (permission: PermissionAlone<S>): Middleware<Admission<S, undefined>>;
  <
    Permission extends PermissionAbout<S>,
    Resource extends ResourceFor<S, Permission>,
    Parameters = Record<string, string>,
  >(
    permission: Permission,
    load: (req: Request<Parameters>) => Loaded<Resource>,
  ): Middleware<Admission<S, Resource>>;
}

/** Opens Latchkey's doors to an Express application. */
export function express<S extends Shape>(auth: Latchkey<S>, options?: AdapterOptions): ExpressLatchkey<S>;
export function express(auth: Latchkey, options: AdapterOptions = {}): object {
  const guards = guard(auth, options);
  const routes: Middleware<object> = async (req, res, next) => {
    if (!(await answer(auth, req, res, targetOf(req)))) next();
  };
  const signedIn: Middleware<{ principal: PrincipalOf<AnyShape> }> = async (req, res, next) => {
    const { admitted, refusal } = await guards.signedIn(requestOf(req));
    if (refusal !== null) return send(refusal, res);
    res.locals.principal = admitted;
    next();
  };
  const may =
    (
      permission: PermissionOf<AnyShape['access']>,
      load?: (req: IncomingMessage) => Loaded<unknown>,
    ): Middleware<object> =>
    async (req, res, next) => {
      const find = load === undefined ? undefined : (): Loaded<unknown> => load(req);
      const { admitted, refusal } = await guards.may(requestOf(req), permission, find);
      if (refusal !== null) return send(refusal, res);
      Object.assign(res.locals, admitted);
      next();
    };
  const session: ExpressLatchkey<AnyShape>['session'] = (req, res) =>
    guards.session(requestOf(req), (value) => res.appendHeader('Set-Cookie', value));
  return { routes, signedIn, may, session };
}

function requestOf(req: IncomingMessage): GuardedRequest {
  return guardedRequest(req, targetOf(req));
}

/** What the client asked for: within a mounted router `url` is only the rest of it. */
function targetOf(req: IncomingMessage): string {
  const original: unknown = 'originalUrl' in req ? req.originalUrl : null;
  return typeof original === 'string' ? original : (req.url ?? '/');
}
