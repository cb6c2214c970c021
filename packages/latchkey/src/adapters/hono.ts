/**
 * Latchkey in a Hono application.
 *
 * @module
 */
import type { Principal } from '@latchkey/verify';
import type { Context, MiddlewareHandler } from 'hono';
import { CODES, isFailure } from '../errors.ts';
import { newRequestId } from '../http/handler.ts';
import { problemResponse, shownFailure } from '../http/problem.ts';
import type { ApplicationSession, Latchkey } from '../latchkey.ts';

/** What `signedIn` leaves in the context. */
export interface SignedInVariables {
  readonly Variables: { readonly principal: Principal };
}

/** Latchkey's doors to a Hono application. */
export interface HonoLatchkey<Data> {
  /** Answers `/auth/*` and what is ours under `/.well-known`; the rest falls through. */
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
        c.set('principal', await auth.require(c.req.raw));
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

/** The address of the connection, where Hono runs on Node's own server. */
function peerOf(c: Context): string | null {
  const env: unknown = c.env;
  if (typeof env !== 'object' || env === null || !('incoming' in env)) return null;
  const { incoming } = env;
  if (typeof incoming !== 'object' || incoming === null || !('socket' in incoming)) return null;
  const { socket } = incoming;
  if (typeof socket !== 'object' || socket === null || !('remoteAddress' in socket)) return null;
  return typeof socket.remoteAddress === 'string' ? socket.remoteAddress : null;
}
