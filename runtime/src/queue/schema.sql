-- Hot: everything that is not done. AUTOINCREMENT, since an id is an order of arrival and is never used twice.
CREATE TABLE items (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  state INTEGER NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  mapping TEXT,
  payload_type TEXT NOT NULL,
  lane TEXT NOT NULL,
  key TEXT NOT NULL,
  payload TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  due INTEGER,
  wait_key TEXT,
  note TEXT,
  error TEXT
);
CREATE INDEX items_ready ON items (id, lane) WHERE state = 0;
CREATE INDEX items_running ON items (lane, id) WHERE state = 1;
CREATE INDEX items_parked ON items (wait_key, id, lane) WHERE state = 2;
CREATE INDEX items_delayed ON items (due, id, lane) WHERE state = 3;
CREATE INDEX items_dead ON items (id) WHERE state = 4;
CREATE INDEX items_back ON items (key, mapping) WHERE payload_type = 'salesforce_changed';

CREATE TABLE done (
  id INTEGER PRIMARY KEY,
  attempt INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  mapping TEXT,
  payload_type TEXT NOT NULL,
  lane TEXT NOT NULL,
  key TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  finished_at INTEGER NOT NULL
);

-- Outlives its item, so that a late second delivery is still a duplicate.
CREATE TABLE deliveries (
  dedupe TEXT PRIMARY KEY,
  received_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE links (
  mapping TEXT NOT NULL,
  source_id TEXT NOT NULL,
  destination_id TEXT NOT NULL,
  base TEXT NOT NULL,
  facts TEXT NOT NULL,
  lane TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (mapping, source_id),
  UNIQUE (mapping, destination_id)
) WITHOUT ROWID;

CREATE TABLE reviews (
  mapping TEXT NOT NULL,
  source_id TEXT NOT NULL,
  candidates TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (mapping, source_id)
) WITHOUT ROWID;

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

CREATE TABLE history (
  item_id INTEGER NOT NULL,
  at INTEGER NOT NULL,
  what TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX history_item ON history (item_id);

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  item_id INTEGER,
  payload_type TEXT NOT NULL,
  dedupe TEXT,
  payload TEXT NOT NULL
);
CREATE INDEX events_item ON events (item_id) WHERE item_id IS NOT NULL;

CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('done', 0), ('duplicates', 0);
