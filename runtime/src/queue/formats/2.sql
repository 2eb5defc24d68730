-- The way back: pairs have a lane, writes are noted before they are made, and what Salesforce says has a cursor.
ALTER TABLE links ADD COLUMN lane TEXT NOT NULL DEFAULT '';
CREATE INDEX items_back ON items (key, mapping) WHERE payload_type = 'salesforce_changed';

-- What is about to be written, from before the call until its answer is known.
CREATE TABLE intents (
  mapping TEXT NOT NULL,
  key TEXT NOT NULL,
  side TEXT NOT NULL,
  kind TEXT NOT NULL,
  fields TEXT NOT NULL,
  repeat TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  PRIMARY KEY (mapping, key, side)
) WITHOUT ROWID;

-- Who won which field, and what was overwritten.
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
  loser_at INTEGER NOT NULL,
  UNIQUE (mapping, source_id, field, value, winner_at, loser_at, why)
);

-- Records of Salesforce's that changed and may not go back as they are.
CREATE TABLE gated (
  mapping TEXT NOT NULL,
  destination_id TEXT NOT NULL,
  gate TEXT NOT NULL,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (mapping, destination_id)
) WITHOUT ROWID;

-- How far changes have been read, kept in the transaction of the items that came of them.
CREATE TABLE cursors (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Directions that stand still until somebody mends something.
CREATE TABLE pauses (direction TEXT PRIMARY KEY, reason TEXT NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID;

-- Pairs that were: their record was deleted on one side, or merged into another.
CREATE TABLE tombstones (
  mapping TEXT NOT NULL,
  source_id TEXT NOT NULL,
  destination_id TEXT NOT NULL,
  side TEXT NOT NULL,
  deleted_at INTEGER NOT NULL,
  merged_into TEXT,
  at INTEGER NOT NULL,
  PRIMARY KEY (mapping, source_id)
) WITHOUT ROWID;
CREATE INDEX tombstones_destination ON tombstones (mapping, destination_id);
