-- What was heard of records that are written together, and what was made of it: see queue/tree.rs.
CREATE TABLE tree_rows (
  tree TEXT NOT NULL,
  root TEXT NOT NULL,
  payload_type TEXT NOT NULL,
  id TEXT NOT NULL,
  row TEXT NOT NULL,
  PRIMARY KEY (tree, root, payload_type, id)
) WITHOUT ROWID;
CREATE TABLE tree_records (
  tree TEXT NOT NULL,
  root TEXT NOT NULL,
  mapping TEXT NOT NULL,
  key TEXT NOT NULL,
  destination_id TEXT NOT NULL,
  base TEXT NOT NULL,
  PRIMARY KEY (tree, root, mapping, key)
) WITHOUT ROWID;
-- Trees that looked for a record in vain, by what they looked for: `Contact.Email=ada@example.org`.
CREATE TABLE tree_waits (
  wait_key TEXT NOT NULL,
  tree TEXT NOT NULL,
  root TEXT NOT NULL,
  PRIMARY KEY (wait_key, tree, root)
) WITHOUT ROWID;
