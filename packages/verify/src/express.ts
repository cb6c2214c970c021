/**
 * Guards for Express.
 *
 * @module
 */
import { Admitted, admit } from './guard.ts';
import type { Values } from './principal.ts';
import type { ServicePrincipal } from './service-principal.ts';
import type { Demands, Verifier } from './verifier.ts';

/** As much of a request of Express as a guard reads. */
export interface ExpressRequest {
  readonly rawHeaders: readonly string[];
}

/** As much of an answer of Express as a guard writes. */
export interface ExpressResponse {
  writeHead(status: number, headers: Readonly<Record<string, string>>): { end(body: string): unknown };
}

/** A verifier's doors to an Express application. */
export interface ExpressGuards<Claims = Values> {
  /** Lets only those pass who present a good token, and have proved what is demanded. */
  readonly guard: (
    demands?: Demands,
  ) => (req: ExpressRequest, res: ExpressResponse, next: () => void) => Promise<void>;
  /** Who was let in. */
  readonly principalOf: (req: ExpressRequest) => ServicePrincipal<Claims>;
}

/** Opens a verifier's doors to an Express application. */
export function express<Claims>(verifier: Verifier<Claims>): ExpressGuards<Claims> {
  const admitted = new Admitted<ExpressRequest, Claims>();
  return {
    guard:
      (demands = {}) =>
      async (req, res, next) => {
        const { principal, refusal } = await admit(verifier, req, demands);
        if (refusal !== null) {
          res.writeHead(refusal.status, refusal.headers).end(refusal.body);
          return;
        }
        admitted.let(req, principal);
        next();
      },
    principalOf: (req) => admitted.of(req),
  };
}
