-- The order in which the rows of a tree arrived: the number of the item that brought each first. Rows from before have 0.
ALTER TABLE tree_rows ADD COLUMN arrived INTEGER NOT NULL DEFAULT 0;
