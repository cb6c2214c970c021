/**
 * What every adapter's guards share: a guard decides here, and its adapter only
 * tells it of the request and writes out what it answers.
 */
import type { PermissionOf, ResourceOf } from '../access/access.ts';
import type { Config } from '../config.ts';
import { CODES, type Failure, failure, isFailure } from '../errors.ts';
import { withFailures } from '../flows/application-session.ts';
import type { RequestHead } from '../foundation/header-source.ts';
import { failureResponse } from '../http/failure-response.ts';
import { answerable, newRequestId, shownFailure } from '../http/problem.ts';
import { seeOther } from '../http/route.ts';
import { securityHeaders } from '../http/security-headers.ts';
import type {
  AnyShape,
  ApplicationSession,
  CheckOptions,
  Latchkey,
  PrincipalOf,
  Shape,
} from '../latchkey.ts';

/** What an adapter is told besides the system that it opens. */
export interface AdapterOptions {
  /**
   * Whom a token must be for on the application's own routes: one of
   * `tokens.audiences`. Default the issuer, which `/auth/*` always asks for.
   */
  readonly audience?: string;
}

/** As much of a request as a guard reads. */
export interface GuardedRequest extends RequestHead {
  /** Absolute, or a path with its query: where a person comes back to. */
  readonly url: string;
}

/** What a guard says: who or what is let in, or the answer that the request gets instead. */
export type Verdict<Admitted> =
  | { readonly admitted: Admitted; readonly refusal: null }
  | { readonly admitted: null; readonly refusal: Response; readonly error: Failure };

/** What `may` lets in. The principal is `null` where a rule allows it to everybody. */
export interface Admission<S extends Shape, Resource> {
  readonly principal: PrincipalOf<S> | null;
  readonly resource: Resource;
}

/** The permissions of a configuration that are about no resource. */
export type PermissionAlone<S extends Shape> = Alone<S, PermissionOf<S['access']>>;

type Alone<S extends Shape, Permission extends string> = Permission extends unknown
  ? [ResourceOf<S['access'], Permission>] extends [undefined]
    ? Permission
    : never
  : never;

/** The permissions of a configuration that are about a resource. */
export type PermissionAbout<S extends Shape> = Exclude<PermissionOf<S['access']>, PermissionAlone<S>>;

/** What a permission's rules have to be shown; where it is one of several, what suits each. */
export type ResourceFor<S extends Shape, Permission extends string> = (
  Permission extends unknown
    ? (resource: ResourceOf<S['access'], Permission>) => void
    : never
) extends (resource: infer Resource) => void
  ? Resource
  : never;

/** What a load answers; where there is no such thing, `null` or `undefined`, which becomes 404. */
export type Loaded<Resource> = Resource | null | undefined | Promise<Resource | null | undefined>;

/**
 * The guards of one system, for any host. What a configuration says about types
 * is the adapters' to hold: here everything may be anything.
 */
export interface Guard {
  /** Lets in who is signed in. */
  signedIn(request: GuardedRequest): Promise<Verdict<PrincipalOf<AnyShape>>>;
  /**
   * Lets in who has the permission. The resource is loaded after the credential
   * was checked, so nothing is read for one that is not good.
   *
   * @param load finds what the permission is about; left out where it is about nothing.
   */
  may(
    request: GuardedRequest,
    permission: PermissionOf<AnyShape['access']>,
    load?: () => Loaded<unknown>,
  ): Promise<Verdict<Admission<AnyShape, unknown>>>;
  /** The answer to an error; one that is not ours shows itself as `LK_INTERNAL`. */
  refusal(request: GuardedRequest, error: unknown): Response;
  /** The data of the visitor's session; see `Latchkey.session`. What it throws says how it is to be answered. */
  session(
    request: GuardedRequest,
    setCookie: (value: string) => void,
  ): Promise<ApplicationSession<AnyShape['data']>>;
}

/**
 * Makes the guards. Each asks for the credential itself, in the path of the
 * handler that it guards: no header says that somebody has been checked
 * elsewhere, because everybody could send it.
 *
 * @throws {TypeError} for an audience that no token is issued for.
 */
export function guard(auth: Latchkey, { audience }: AdapterOptions): Guard {
  if (audience !== undefined && !auth.config.ownAudiences.has(audience)) {
    throw new TypeError(`the audience ${JSON.stringify(audience)} is not among tokens.audiences`);
  }
  const check: CheckOptions = audience === undefined ? {} : { audience };
  const refusal: Guard['refusal'] = (request, error) => refusalOf(auth.config, request, error);
  const judge = async <Admitted>(
    request: GuardedRequest,
    decide: () => Promise<Admitted>,
  ): Promise<Verdict<Admitted>> => {
    try {
      return { admitted: await decide(), refusal: null };
    } catch (error) {
      if (!isFailure(error)) throw error;
      return { admitted: null, refusal: refusal(request, error), error };
    }
  };
  return {
    signedIn: (request) => judge(request, () => auth.require(request, check)),
    may: (request, permission, load) =>
      judge(request, async () => {
        const principal = await auth.authenticate(request, check);
        const resource = await load?.();
        if (load !== undefined && (resource ?? null) === null) throw failure('LK_NOT_FOUND');
        await auth.authorize(principal, permission, resource);
        return { principal, resource };
      }),
    refusal,
    session: async (request, setCookie) => {
      const answered = (error: unknown): unknown =>
        isFailure(error) ? answerable(error, () => refusal(request, error)) : error;
      try {
        return withFailures(await auth.session(request, setCookie), answered);
      } catch (error) {
        throw answered(error);
      }
    },
  };
}

/**
 * Leads a person who opens a page to where they can prove who they are, and
 * back; tells everybody else what is wrong, with the challenge of RFC 6750 §3
 * or RFC 9470 §3.
 */
function refusalOf(config: Config, request: GuardedRequest, error: unknown): Response {
  const shown = shownFailure(error);
  const proof = shown.code === 'LK_STEP_UP_REQUIRED' ? '/auth/reauthenticate' : '/auth/sign-in';
  if (CODES[shown.code].status === 401 && opensPage(request)) {
    const url = URL.parse(request.url, config.origin);
    const returnTo = new URLSearchParams({ return_to: url === null ? '/' : `${url.pathname}${url.search}` });
    return seeOther(`${proof}?${returnTo.toString()}`);
  }
  const response = failureResponse(error, request, newRequestId(), config.brand);
  for (const [name, value] of securityHeaders({ secure: config.secure, formTargets: config.origins })) {
    response.headers.set(name, value);
  }
  return response;
}

/**
 * A token is a program's, and its cookie beside it is not read: signing in would
 * change nothing, and lead in a circle.
 */
function opensPage({ method, headers }: RequestHead): boolean {
  const reads = method === 'GET' || method === 'HEAD';
  return reads && !headers.has('authorization') && (headers.get('accept') ?? '').includes('text/html');
}

/** What a developer is told whose application reads bodies before Latchkey can: nobody can read one twice. */
export function bodyWasRead(): TypeError {
  return new TypeError('the body was read before: mount the routes of Latchkey before what reads bodies');
}
