/**
 * Guards for Hono, and for whatever else hands on a `Request`.
 *
 * @module
 */
import { Admitted, admit } from './guard.ts';
import type { Values } from './principal.ts';
import type { ServicePrincipal } from './service-principal.ts';
import type { Demands, Verifier } from './verifier.ts';

/** As much of a context of Hono as a guard reads. */
export interface HonoContext {
  readonly req: { readonly raw: Request };
}

/** A verifier's doors to a Hono application. */
export interface HonoGuards<Claims = Values> {
  /** Lets only those pass who present a good token, and have proved what is demanded. */
  readonly guard: (
    demands?: Demands,
  ) => (c: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>;
  /** Who was let in. */
  readonly principalOf: (c: HonoContext) => ServicePrincipal<Claims>;
}

/** Opens a verifier's doors to a Hono application. */
export function hono<Claims>(verifier: Verifier<Claims>): HonoGuards<Claims> {
  const admitted = new Admitted<Request, Claims>();
  return {
    guard:
      (demands = {}) =>
      async (c, next) => {
        const { principal, refusal } = await admit(verifier, c.req.raw, demands);
        if (refusal !== null) return new Response(refusal.body, refusal);
        admitted.let(c.req.raw, principal);
        await next();
        return undefined;
      },
    principalOf: (c) => admitted.of(c.req.raw),
  };
}
