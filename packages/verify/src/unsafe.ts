/**
 * What weakens a check, to be imported by name so that it can be searched for.
 *
 * @module
 */

/**
 * As `onUnknown`: a token of which nobody can tell whether it was revoked is accepted until
 * it expires. The copy of the log still refuses what it has heard of. Receipts count such a
 * service in `tokensDeadBy`, not among those who confirm.
 */
export const acceptUntilExpiry: unique symbol = Symbol('accept until expiry');
