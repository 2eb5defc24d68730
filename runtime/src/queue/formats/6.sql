-- Problems of trees are items with a cause: one for each cause of a tree, until it is put right.
ALTER TABLE items ADD COLUMN cause TEXT;
CREATE INDEX items_problems ON items (mapping, key) WHERE cause IS NOT NULL;
-- What failed of a record, which a later item may put right.
CREATE INDEX items_failed ON items (mapping, key) WHERE state = 4;
-- Subjects that rows of more than one tree may speak of, such as a ticket that went to another cart.
CREATE TABLE tree_subjects (
  tree TEXT NOT NULL,
  subject TEXT NOT NULL,
  root TEXT NOT NULL,
  PRIMARY KEY (tree, subject, root)
) WITHOUT ROWID;
-- Databases of the format before: tickets and payments are the subjects there are.
INSERT OR IGNORE INTO tree_subjects
  SELECT tree, json_extract(row, '$.ticket_id'), root FROM tree_rows
  WHERE payload_type = 'ticket_audit' AND json_extract(row, '$.ticket_id') IS NOT NULL;
INSERT OR IGNORE INTO tree_subjects
  SELECT tree, 'payment ' || json_extract(row, '$.id'), root FROM tree_rows
  WHERE payload_type = 'gateway_audit' AND json_extract(row, '$.id') IS NOT NULL;
