/**
 * Guards for Fastify.
 *
 * @module
 */
import { Admitted, admit } from './guard.ts';
import type { Values } from './principal.ts';
import type { ServicePrincipal } from './service-principal.ts';
import type { Demands, Verifier } from './verifier.ts';

/** As much of a request of Fastify as a guard reads. */
export interface FastifyRequest {
  readonly raw: { readonly rawHeaders: readonly string[] };
}

/** As much of an answer of Fastify as a guard writes. */
export interface FastifyReply {
  code(status: number): unknown;
  headers(values: Record<string, string>): unknown;
  send(body: string): unknown;
}

/** A verifier's doors to a Fastify application. */
export interface FastifyGuards<Claims = Values> {
  /** A hook (`onRequest`) that lets only those pass who present a good token, and have proved what is demanded. */
  readonly guard: (demands?: Demands) => (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
  /** Who was let in. */
  readonly principalOf: (request: FastifyRequest) => ServicePrincipal<Claims>;
}

/** Opens a verifier's doors to a Fastify application. */
export function fastify<Claims>(verifier: Verifier<Claims>): FastifyGuards<Claims> {
  const admitted = new Admitted<FastifyRequest, Claims>();
  return {
    guard:
      (demands = {}) =>
      async (request, reply) => {
        const { principal, refusal } = await admit(verifier, request.raw, demands);
        if (refusal === null) {
          admitted.let(request, principal);
          return undefined;
        }
        reply.code(refusal.status);
        reply.headers({ ...refusal.headers });
        reply.send(refusal.body);
        // A hook that answers says so by what it returns.
        return reply;
      },
    principalOf: (request) => admitted.of(request),
  };
}
