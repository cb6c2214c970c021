/*
 * A service as somebody writes it who has installed `@latchkey/verify` from its tarball:
 * it checks a token, follows the log, and refuses what was revoked. `npm run packages`
 * copies it into an empty project and runs it there, on each version of Node that the
 * package is for.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { LatchkeyError, verifier } from '@latchkey/verify';
import { express } from '@latchkey/verify/express';
import { fastify } from '@latchkey/verify/fastify';
import { hono } from '@latchkey/verify/hono';
import { acceptUntilExpiry } from '@latchkey/verify/unsafe';

const AUDIENCE = 'orders';
const BOUND = 1_000;
const { ISSUER: issuer = '', ORDERS_KEY: key = '' } = process.env;
const account = { email: 'ada@example.com', password: 'lantern orchid gravel seven', client: 'mobile' };

/**
 * What the issuer's answers hold, each some of it.
 *
 * @typedef {object} Answer
 * @property {string} access_token
 * @property {string} refresh_token
 * @property {{ id: string }} user
 * @property {{ id: string }} session
 * @property {{ id: string }} receipt
 * @property {boolean} settled
 * @property {{ confirmed: number, pending: number }} followers
 */

/** @param {string} method @param {string} path @param {{ body?: object | URLSearchParams, token?: string }} sent @returns {Promise<Answer>} */
async function ask(method, path, { body, token } = {}) {
  /** @type {Record<string, string>} */
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const isForm = body instanceof URLSearchParams;
  if (body !== undefined && !isForm) headers['Content-Type'] = 'application/json';
  const text = body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) };
  const response = await fetch(`${issuer}${path}`, { method, headers, ...text });
  const answer = await response.text();
  assert.ok(response.ok, `${method} ${path} is answered ${response.status}: ${answer}`);
  return /** @type {Answer} */ (JSON.parse(answer));
}

assert.notEqual(acceptUntilExpiry, undefined);
const orders = verifier({ issuer, audience: AUDIENCE, key });
for (const framework of [express, fastify, hono]) assert.equal(typeof framework(orders).guard(), 'function');
await orders.ready();
assert.equal(orders.status().mode, 'following');

const phone = await ask('POST', '/auth/sign-up', { body: account });
const laptop = await ask('POST', '/auth/sign-in', { body: account });
const grant = new URLSearchParams({
  grant_type: 'refresh_token',
  refresh_token: phone.refresh_token,
  audience: AUDIENCE,
});
const { access_token: token } = await ask('POST', '/auth/token', { body: grant });
const presented = new Headers({ Authorization: `Bearer ${token}` });

const who = await orders.require(presented);
assert.deepEqual([who.kind, who.id], ['user', phone.user.id]);
/** @type {string[]} */
const ended = [];
orders.onRevoked(who, (why) => void ended.push(why));

const { receipt } = await ask('DELETE', `/auth/sessions/${phone.session.id}`, { token: laptop.access_token });
const revoked = performance.now();
/** The code with which it is refused, or `null`. */
async function refusal() {
  try {
    await orders.require(presented);
    return null;
  } catch (error) {
    if (error instanceof LatchkeyError) return String(error.code);
    throw error;
  }
}
while ((await refusal()) === null) {
  assert.ok(performance.now() - revoked < BOUND, `it is still accepted ${BOUND} ms after it was revoked`);
  await sleep(1);
}
const took = performance.now() - revoked;
assert.equal(await refusal(), 'LK_TOKEN_REVOKED');
assert.deepEqual(ended, ['revoked']);

const settled = await ask('GET', `/auth/receipts/${receipt.id}?wait=20`, { token: laptop.access_token });
assert.deepEqual([settled.settled, settled.followers], [true, { confirmed: 2, pending: 0 }]);
assert.deepEqual([orders.status().mode, orders.status().feedError], ['following', null]);
// What is left ends with it: the process has nothing more to wait for.
orders.close();
console.log(
  `Node ${process.version}: followed, and refused ${took.toFixed(0)} ms after the revocation was answered`,
);
