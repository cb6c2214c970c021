import { DatabaseSync } from 'node:sqlite';

/** How long the entries live, in milliseconds: longer than any run. */
const LIFE = 86_400_000;

/**
 * Writes so many live revocations of sessions into a file of SQLite that nobody has open, as
 * the log would have them: positions in a row, each with a tag, the head at the last.
 */
export function fillLog(file: string, entries: number): void {
  const database = new DatabaseSync(file);
  database.exec('pragma synchronous = off; begin');
  database
    .prepare(
      `insert into revocation (seq, kind, scope, subject, expires_at, tag)
        with recursive nr (value) as (select 1 union all select value + 1 from nr where value < ?)
        select log_head.seq + nr.value, 'revoke', 'session', randomblob(16), ?, abs(random()) % 9007199254740991
          from nr, log_head`,
    )
    .run(entries, Date.now() + LIFE);
  database.exec(
    `update log_head set (seq, tag) = (select seq, tag from revocation order by seq desc limit 1);
      commit;
      pragma wal_checkpoint(truncate)`,
  );
  database.close();
}
