import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { dataFile } from './data-file.ts';

export interface Note {
  readonly id: string;
  readonly ownerId: string;
  readonly text: string;
}

function open(): DatabaseSync {
  const db = new DatabaseSync(dataFile('notes.db'));
  db.exec(
    'create table if not exists note (id text primary key, owner_id text not null, text text not null)',
  );
  return db;
}

export function listNotes(ownerId: string): readonly Note[] {
  using db = open();
  return db.prepare('select * from note where owner_id = ? order by rowid').all(ownerId).map(noteOf);
}

export function findNote(id: string): Note | null {
  using db = open();
  const row = db.prepare('select * from note where id = ?').get(id);
  return row === undefined ? null : noteOf(row);
}

export function addNote(ownerId: string, text: string): Note {
  using db = open();
  const note = { id: randomUUID(), ownerId, text };
  db.prepare('insert into note (id, owner_id, text) values (?, ?, ?)').run(note.id, ownerId, text);
  return note;
}

export function removeNote(id: string): void {
  using db = open();
  db.prepare('delete from note where id = ?').run(id);
}

function noteOf(row: Record<string, unknown>): Note {
  return { id: String(row['id']), ownerId: String(row['owner_id']), text: String(row['text']) };
}
