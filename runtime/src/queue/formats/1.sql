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
