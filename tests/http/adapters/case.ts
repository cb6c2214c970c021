import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { bodyOf, codeOf } from '../world.ts';
import { Caller } from './caller.ts';
import type { Scene } from './scene.ts';

/** One thing that holds whichever adapter is in between. */
export interface Case {
  readonly title: string;
  readonly run: (scene: Scene) => Promise<void>;
}

/** Somebody nobody knows yet. */
export function caller({ origin }: Scene): Caller {
  return new Caller(origin, `${randomUUID()}@example.com`);
}

/** Somebody who has signed up, with a document of their own. */
export async function owner(scene: Scene, isPublic = false): Promise<{ person: Caller; path: string }> {
  const person = caller(scene);
  await person.signUp();
  const { id: ownerId } = await bodyOf(await person.call('GET', '/auth/me'));
  const id = randomUUID();
  scene.documents.set(id, { id, ownerId: String(ownerId), public: isPublic });
  return { person, path: `/documents/${id}` };
}

/** Asserts that a program was refused, with that code. */
export async function refused(response: Response, status: number, code: string): Promise<void> {
  assert.equal(response.status, status);
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  assert.equal(await codeOf(response), code);
  assert.deepEqual(response.headers.getSetCookie(), [], 'a guard sets no cookie');
}
