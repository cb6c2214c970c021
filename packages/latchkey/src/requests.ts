import type { ClientPrincipal, Principal, UserPrincipal } from '@latchkey/verify';
import { failure } from './errors.ts';
import { type ApplicationSession, applicationSession, withFailures } from './flows/application-session.ts';
import { type Presented, principalIn, userIn } from './flows/authenticate.ts';
import type { HeaderSource, RequestHead } from './foundation/header-source.ts';
import { isSafe } from './http/exchange.ts';
import { refuseCrossSite } from './http/origin-rule.ts';
import { toBeAnswered } from './http/problem.ts';
import type { SessionCookie } from './sessions/cookie.ts';
import type { System } from './system.ts';
import type { AnyShape, PrincipalOf, Shape } from './types.ts';

/** What a check is for. */
export interface CheckOptions {
  /** Whom a token must be for: the issuer, one of `tokens.audiences`, or one of a service. Default the issuer. */
  readonly audience?: string;
}

/** What a check is for that services pass as well, with a token that they got for themselves. */
export type ServiceCheckOptions = CheckOptions & { readonly services: true };

/** What an application asks of a request. */
export interface Requests<S extends Shape = AnyShape> {
  /**
   * Who asks: `null` where nothing was presented, or a session before login.
   *
   * An unsafe `Request` that holds the cookie must come from a page of this
   * origin or a listed one. Bare `Headers` do not say their method: the rule for
   * cross-site requests is then the caller's. Nothing is ever written to the answer.
   *
   * It is a user, unless `services` is asked for: what is written for people should not
   * answer a service that nobody has thought of.
   *
   * @throws a code shown as 401 for a credential that is not good; `LK_CREDENTIALS_AMBIGUOUS`;
   *   `LK_ORIGIN_REFUSED`; `LK_STORE_UNAVAILABLE`.
   */
  authenticate(
    request: RequestHead | HeaderSource,
    options: ServiceCheckOptions,
  ): Promise<PrincipalOf<S> | ClientPrincipal | null>;
  authenticate(request: RequestHead | HeaderSource, options?: CheckOptions): Promise<PrincipalOf<S> | null>;
  /**
   * As `authenticate`, where somebody must be signed in.
   *
   * @throws `LK_UNAUTHENTICATED`, and as `authenticate`.
   */
  require(
    request: RequestHead | HeaderSource,
    options: ServiceCheckOptions,
  ): Promise<PrincipalOf<S> | ClientPrincipal>;
  require(request: RequestHead | HeaderSource, options?: CheckOptions): Promise<PrincipalOf<S>>;
  /**
   * The session's data of a request, before login too. The first write of a
   * visitor without a session begins one and hands its `Set-Cookie` to `setCookie`.
   *
   * @throws `LK_ORIGIN_REFUSED` for an unsafe request of another site, `LK_CREDENTIALS_AMBIGUOUS`,
   *   `LK_STORE_UNAVAILABLE`; a cookie that is no longer good counts as none.
   */
  session(request: RequestHead, setCookie: (value: string) => void): Promise<ApplicationSession<S['data']>>;
}

/** Answers who asks, and what their session holds, on whichever system is the current one. */
export function requestsOf(current: () => System): Requests {
  const present = presenting(current);
  function authenticate(
    request: RequestHead | HeaderSource,
    options: ServiceCheckOptions,
  ): Promise<Principal | null>;
  function authenticate(
    request: RequestHead | HeaderSource,
    options?: CheckOptions,
  ): Promise<UserPrincipal | null>;
  async function authenticate(
    request: RequestHead | HeaderSource,
    options?: CheckOptions & { readonly services?: true },
  ): Promise<Principal | null> {
    const presented = await present(request, options);
    try {
      return options?.services === true ? principalIn(presented) : userIn(presented);
    } catch (error) {
      throw toBeAnswered(error, 'headers' in request ? request : undefined);
    }
  }
  function require(request: RequestHead | HeaderSource, options: ServiceCheckOptions): Promise<Principal>;
  function require(request: RequestHead | HeaderSource, options?: CheckOptions): Promise<UserPrincipal>;
  async function require(
    request: RequestHead | HeaderSource,
    options?: CheckOptions & { readonly services?: true },
  ): Promise<Principal> {
    const principal =
      options?.services === true
        ? await authenticate(request, { ...options, services: true })
        : await authenticate(request, options);
    if (principal === null) throw toBeAnswered(failure('LK_UNAUTHENTICATED'));
    return principal;
  }
  return {
    authenticate,
    require,
    session: async (request, setCookie) => {
      const { rooms, allowed } = current();
      const answered = (error: unknown): unknown => toBeAnswered(error, request);
      try {
        // It may set the cookie, so a visitor who has none yet is held to the same rule.
        if (!isSafe(request)) refuseCrossSite(request, allowed);
        const asked = (): Promise<Presented | null> => present(request);
        return withFailures(await applicationSession(rooms, request, asked, setCookie), answered);
      } catch (error) {
        throw answered(error);
      }
    },
  };
}

type Present = (request: RequestHead | HeaderSource, options?: CheckOptions) => Promise<Presented | null>;

/** What a request presents, checked; an unsafe one with the cookie is held to the rule of cross-site requests. */
function presenting(current: () => System): Present {
  return async (request, { audience } = {}) => {
    const { isOpen, ready, rooms, authenticator, allowed } = current();
    const [head, headers] = 'headers' in request ? [request, request.headers] : [null, request];
    try {
      if (!isOpen()) await ready();
      const wanted = audience ?? rooms.config.origin;
      const safe = head !== null && isSafe(head);
      if (head !== null && !safe && readsCookie(head, rooms.cookie)) refuseCrossSite(head, allowed);
      return await authenticator.authenticate(headers, { safe, audience: wanted });
    } catch (error) {
      throw toBeAnswered(error, head ?? undefined);
    }
  };
}

function readsCookie({ headers }: RequestHead, cookie: SessionCookie): boolean {
  return !headers.has('authorization') && cookie.find(headers.get('cookie')) !== null;
}
