-- A claim and a settlement touch small rows: payloads are beside them, written once and deleted once.
CREATE TABLE payloads (id INTEGER PRIMARY KEY, payload TEXT NOT NULL);
INSERT INTO payloads SELECT id, payload FROM items;
ALTER TABLE items DROP COLUMN payload;

DROP INDEX items_running;
DROP INDEX items_parked;
DROP INDEX items_delayed;
CREATE INDEX items_running ON items (lane, id) WHERE state = 1;
-- What holds those behind it in its lane, in one look.
CREATE INDEX items_waiting ON items (lane, id) WHERE state IN (2, 3);
-- Parked items, and dead ones that never saw what they waited for.
CREATE INDEX items_wait_key ON items (wait_key, id) WHERE wait_key IS NOT NULL;
-- When a delayed item is to be tried, and when a parked one has waited long enough.
CREATE INDEX items_due ON items (due, id) WHERE state IN (2, 3) AND due IS NOT NULL;
-- What waited before there was an end to it has as long as anything that parks now: seven days.
UPDATE items SET due = 604800000 + CAST(unixepoch('subsec') * 1000 AS INTEGER) WHERE state = 2;

-- Links that have landed and still have waiters to wake, beyond what one commit takes.
CREATE TABLE landed (key TEXT PRIMARY KEY) WITHOUT ROWID;
-- Lanes that are held, with so many items behind the holder that they were set aside.
CREATE TABLE aside (lane TEXT PRIMARY KEY) WITHOUT ROWID;

-- What calls in flight never share is one value.
ALTER TABLE links ADD COLUMN lock TEXT NOT NULL DEFAULT '';
UPDATE links SET lock = coalesce((SELECT value FROM json_each(facts) WHERE type = 'text' LIMIT 1), '') WHERE json_valid(facts);
ALTER TABLE links DROP COLUMN facts;

-- Kept as numbers, so that nothing is counted while webhooks wait for an answer.
INSERT INTO counters SELECT 'waiting', count(*) FROM items WHERE state IN (0, 1, 2, 3);
INSERT INTO counters SELECT 'event_bytes', coalesce(sum(octet_length(payload)), 0) FROM events;

-- Two values that lost to the same one in the same second are two.
ALTER TABLE decisions RENAME TO decisions_2;
CREATE TABLE decisions (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  mapping TEXT NOT NULL,
  source_id TEXT NOT NULL,
  field TEXT NOT NULL,
  winner TEXT NOT NULL,
  why TEXT NOT NULL,
  value TEXT NOT NULL,
  winner_at INTEGER NOT NULL,
  loser TEXT,
  loser_at INTEGER NOT NULL
);
INSERT INTO decisions SELECT * FROM decisions_2;
DROP TABLE decisions_2;
CREATE UNIQUE INDEX decisions_once
  ON decisions (mapping, source_id, field, value, winner_at, coalesce(loser, ''), loser_at, why);
