/**
 * Latchkey in a Hono application.
 *
 * @module
 */
import { IncomingMessage } from 'node:http';
import type { Principal } from '@latchkey/verify';
import type { Context, MiddlewareHandler } from 'hono';
import { CODES, isFailure } from '../errors.ts';
import { type RequestHead, rawHeaderSource } from '../foundation/header-source.ts';
import { newRequestId } from '../http/handler.ts';
import { problemResponse, shownFailure } from '../http/problem.ts';
import type { ApplicationSession, Latchkey } from '../latchkey.ts';

/** What `signedIn` leaves in the context. */
export interface SignedInVariables {
  readonly Variables: { readonly principal: Principal };
}

/** Latchkey's doors to a Hono application. */
export interface HonoLatchkey<Data> {
  /** Answers `/auth/*`; the rest falls through. */
  readonly routes: MiddlewareHandler;
  /**
   * Lets only those pass who are signed in, as `c.var.principal`. A person who
   * opens a page is led to the sign-in page and back; a program gets a problem.
   */
  readonly signedIn: MiddlewareHandler<SignedInVariables>;
  /** The data of the visitor's session, before login too. */
  readonly session: (c: Context) => Promise<ApplicationSession<Data>>;
}

/** Opens Latchkey's doors to a Hono application. */
export function hono<Data>(auth: Latchkey<Data>): HonoLatchkey<Data> {
  return {
    routes: async (c, next) => {
      if (!/^\/auth(\/|$)/.test(c.req.path)) return next();
      return auth.handler(c.req.raw, { peer: peerOf(c) });
    },
    signedIn: async (c, next) => {
      try {
        c.set('principal', await auth.require(headOf(c)));
      } catch (error) {
        return refuse(c, error);
      }
      return next();
    },
    session: (c) => auth.session(c.req.raw, (value) => c.header('Set-Cookie', value, { append: true })),
  };
}

/** Leads people to the sign-in page, and tells programs what is wrong. */
function refuse(c: Context, error: unknown): Response {
  if (!isFailure(error)) throw error;
  const { status } = CODES[shownFailure(error).code];
  const opensPage = c.req.method === 'GET' && (c.req.header('accept') ?? '').includes('text/html');
  if (status === 401 && opensPage) {
    const url = new URL(c.req.url);
    const returnTo = new URLSearchParams({ return_to: `${url.pathname}${url.search}` });
    return c.redirect(`/auth/sign-in?${returnTo.toString()}`, 303);
  }
  return problemResponse(error, c.req.raw, newRequestId());
}

/** What the check reads of the request: from Node's server where it is there, which spares a `Headers`. */
function headOf(c: Context): RequestHead {
  const incoming = incomingOf(c);
  return incoming === null
    ? c.req.raw
    : { method: c.req.method, headers: rawHeaderSource(incoming.rawHeaders) };
}

/** The address of the connection, where Hono runs on Node's own server. */
function peerOf(c: Context): string | null {
  return incomingOf(c)?.socket.remoteAddress ?? null;
}

function incomingOf(c: Context): IncomingMessage | null {
  const env: unknown = c.env;
  if (typeof env !== 'object' || env === null || !('incoming' in env)) return null;
  return env.incoming instanceof IncomingMessage ? env.incoming : null;
}
