import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rawHeaderSource } from './header-source.ts';

const lists: readonly (readonly string[])[] = [
  [],
  ['Cookie', 'a=1'],
  ['COOKIE', 'a=1', 'cookie', 'a=2'],
  ['Authorization', 'Bearer a', 'authorization', 'Bearer b'],
  ['X-Cookie', 'c=1', 'Cookiex', 'd=1', 'Accept', ''],
];

for (const list of lists) {
  test(`reads ${JSON.stringify(list)} as Headers does`, () => {
    const headers = new Headers();
    for (let index = 0; index < list.length; index += 2)
      headers.append(list[index] ?? '', list[index + 1] ?? '');
    const source = rawHeaderSource(list);
    for (const name of ['cookie', 'authorization', 'accept', 'origin']) {
      assert.equal(source.get(name), headers.get(name), name);
      assert.equal(source.has(name), headers.has(name), name);
    }
  });
}
