-- The review list: since when a person is asked, and what was decided and why. The latest decision counts.
ALTER TABLE reviews ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
UPDATE reviews SET since = CAST(unixepoch('subsec') * 1000 AS INTEGER);
CREATE TABLE review_decisions (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  mapping TEXT NOT NULL,
  source_id TEXT NOT NULL,
  choice TEXT NOT NULL,
  destination_id TEXT,
  because TEXT NOT NULL,
  question TEXT NOT NULL,
  candidates TEXT NOT NULL
);
CREATE INDEX review_decisions_of ON review_decisions (mapping, source_id, id);
-- Who was merged into a record: what refers to them is its own.
CREATE INDEX tombstones_merged ON tombstones (mapping, merged_into) WHERE merged_into IS NOT NULL;
