/**
 * What a server that hosts Latchkey puts around its routes, so that its own
 * pages and errors are of the same kind.
 *
 * @module
 */

export { failure } from './errors.ts';
export { clientAddress } from './http/address.ts';
export { failureResponse } from './http/failure-response.ts';
export { newRequestId } from './http/problem.ts';
export { securityHeaders } from './http/security-headers.ts';
export { homePage } from './pages/home.ts';
export { referencePage } from './pages/reference.ts';
