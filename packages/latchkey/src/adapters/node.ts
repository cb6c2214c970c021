/**
 * Latchkey on Node's own HTTP server.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PermissionOf } from '../access/access.ts';
import { isFailure } from '../errors.ts';
import type { AnyShape, ApplicationSession, Latchkey, PrincipalOf, Shape } from '../latchkey.ts';
import {
  type AdapterOptions,
  type Admission,
  guard,
  type Loaded,
  type PermissionAbout,
  type PermissionAlone,
  type ResourceFor,
} from './guard.ts';
import { answer, guardedRequest, send } from './incoming.ts';

/** What `createServer` takes. */
export type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => unknown;

/** A listener of ours, for `createServer` or to be called from another. */
export type OwnListener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** A listener that is handed who was let in, and to what. */
export type GuardedListener<Admitted> = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  admitted: Admitted,
) => unknown;

/**
 * Latchkey's doors to Node's own server. Each wraps a listener, so that what is
 * behind a guard cannot run without it. What a listener throws is answered, and
 * unless it is ours the process is warned of it: left alone, it would end it.
 */
export interface NodeLatchkey<S extends Shape> {
  /** Answers Latchkey's own paths; the rest falls through to the listener. */
  readonly routes: (fallthrough: Listener) => OwnListener;
  /**
   * Lets only those pass who are signed in. A person who opens a page is led to
   * the sign-in page and back; a program gets a problem.
   */
  readonly signedIn: (listener: GuardedListener<{ readonly principal: PrincipalOf<S> }>) => OwnListener;
  /**
   * Lets only those pass who have the permission. `load` finds what it is about;
   * nothing found is 404, denied is 403, or 401 where signing in or proving
   * again might do.
   */
  readonly may: NodeMay<S>;
  /** The data of the visitor's session, before login too. */
  readonly session: (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ) => Promise<ApplicationSession<S['data']>>;
}

/** `may`, by whether the permission is about a resource. */
export interface NodeMay<S extends Shape> {
  (permission: PermissionAlone<S>, listener: GuardedListener<Admission<S, undefined>>): OwnListener;
  <Permission extends PermissionAbout<S>, Resource extends ResourceFor<S, Permission>>(
    permission: Permission,
    load: (incoming: IncomingMessage) => Loaded<Resource>,
    listener: GuardedListener<Admission<S, Resource>>,
  ): OwnListener;
}

/** Opens Latchkey's doors to Node's own server. */
export function node<S extends Shape>(auth: Latchkey<S>, options?: AdapterOptions): NodeLatchkey<S>;
export function node(auth: Latchkey, options: AdapterOptions = {}): object {
  const guards = guard(auth, options);
  const answering =
    (act: Listener): Listener =>
    async (incoming, outgoing) => {
      try {
        await act(incoming, outgoing);
      } catch (error) {
        if (!isFailure(error)) process.emitWarning(error instanceof Error ? error : String(error));
        if (outgoing.headersSent) {
          outgoing.destroy();
          return;
        }
        for (const name of outgoing.getHeaderNames()) outgoing.removeHeader(name);
        await send(guards.refusal(guardedRequest(incoming), error), outgoing);
      }
    };
  const may = (
    permission: PermissionOf<AnyShape['access']>,
    ...rest:
      | [listener: GuardedListener<Admission<AnyShape, unknown>>]
      | [
          load: (incoming: IncomingMessage) => Loaded<unknown>,
          listener: GuardedListener<Admission<AnyShape, unknown>>,
        ]
  ): Listener => {
    const [load, listener] = rest.length === 1 ? [undefined, rest[0]] : rest;
    return answering(async (incoming, outgoing) => {
      const find = load === undefined ? undefined : (): Loaded<unknown> => load(incoming);
      const { admitted, refusal } = await guards.may(guardedRequest(incoming), permission, find);
      await (refusal === null ? listener(incoming, outgoing, admitted) : send(refusal, outgoing));
    });
  };
  const signedIn = (listener: GuardedListener<{ readonly principal: PrincipalOf<AnyShape> }>): Listener =>
    answering(async (incoming, outgoing) => {
      const { admitted, refusal } = await guards.signedIn(guardedRequest(incoming));
      if (refusal === null) await listener(incoming, outgoing, { principal: admitted });
      else await send(refusal, outgoing);
    });
  const routes = (fallthrough: Listener): Listener =>
    answering(async (incoming, outgoing) => {
      const answered = await answer(auth, incoming, outgoing, incoming.url ?? '/');
      if (!answered) await fallthrough(incoming, outgoing);
    });
  const session: NodeLatchkey<AnyShape>['session'] = (incoming, outgoing) =>
    guards.session(guardedRequest(incoming), (value) => outgoing.appendHeader('Set-Cookie', value));
  return { routes, signedIn, may, session };
}
