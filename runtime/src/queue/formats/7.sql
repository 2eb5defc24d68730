-- The order in which the rows of a tree arrived: the number of the item that brought each first. Rows from before have 0.
ALTER TABLE tree_rows ADD COLUMN arrived INTEGER NOT NULL DEFAULT 0;

-- When a row happened, by its delivery: of rows whose word a mapping knows or does not know. And errors with one cause,
-- which are one line of the error log.
ALTER TABLE items ADD COLUMN at INTEGER;
ALTER TABLE items ADD COLUMN error_group TEXT;
CREATE INDEX items_grouped ON items (error_group, at, id) WHERE error_group IS NOT NULL;
CREATE INDEX items_grouped_of ON items (payload_type, key) WHERE error_group IS NOT NULL;
-- The same time of the rows of a root whose word is known: they put older ones right.
ALTER TABLE tree_rows ADD COLUMN known_at INTEGER;
