/**
 * What every store must do, as tests for node:test.
 *
 * @module
 */
import { describe, test } from 'node:test';
import { administrationConformance } from './administration.ts';
import { backupConformance } from './backup.ts';
import { backupRefusalConformance } from './backup-refusals.ts';
import { endingConformance } from './ending.ts';
import { identityConformance } from './identity.ts';
import { logConformance } from './log.ts';
import { operationsConformance } from './operations.ts';
import { serviceClientConformance } from './service-clients.ts';
import { sessionDataConformance } from './session-data.ts';
import { sessionLifeConformance } from './session-life.ts';
import { sessionListConformance } from './session-list.ts';
import { sessionConformance } from './sessions.ts';
import type { OpenStore, StoreTest } from './store-test.ts';
import { textConformance } from './text.ts';
import { tokenConformance } from './tokens.ts';
import { transactionConformance } from './transactions.ts';

export type { OpenStore, StoreTest } from './store-test.ts';

/**
 * Declares the tests that a store must pass, under `name`: call it in a file that
 * `node --test` runs. Each test gets a store from `open`.
 *
 * What holds under concurrency is tested with fifty callers at once, so a store
 * that has several connections must lend them.
 */
export function storeConformance(name: string, open: OpenStore): void {
  const storeTest: StoreTest = (title, run) => {
    test(title, async () => {
      const opened = await open();
      try {
        await run(opened.store);
      } finally {
        await opened.close();
      }
    });
  };
  describe(`${name}: transactions`, () => transactionConformance(storeTest));
  describe(`${name}: the log`, () => logConformance(storeTest));
  describe(`${name}: entries that end something`, () => endingConformance(storeTest));
  describe(`${name}: users, passwords and attempts`, () => identityConformance(storeTest));
  describe(`${name}: sessions`, () => sessionConformance(storeTest));
  describe(`${name}: the life of sessions`, () => sessionLifeConformance(storeTest));
  describe(`${name}: lists of sessions`, () => sessionListConformance(storeTest));
  describe(`${name}: refresh chains and signing keys`, () => tokenConformance(storeTest));
  describe(`${name}: what administrators see and do`, () => administrationConformance(storeTest));
  describe(`${name}: clients with a key`, () => serviceClientConformance(storeTest));
  describe(`${name}: session data`, () => sessionDataConformance(storeTest));
  describe(`${name}: meta, proofs, receipts and followers`, () => operationsConformance(storeTest));
  describe(`${name}: backups`, () => backupConformance(storeTest));
  describe(`${name}: backups that are refused`, () => backupRefusalConformance(storeTest));
  describe(`${name}: text and bytes`, () => textConformance(storeTest));
}
