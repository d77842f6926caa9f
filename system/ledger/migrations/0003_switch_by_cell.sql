-- A cell may have a value of its own for a switch and a lane; a cell without one follows the lane.
CREATE TABLE control.switch_cell (
    key text NOT NULL,
    lane text NOT NULL CHECK (lane IN ('live', 'stress')),
    cell int NOT NULL CHECK (cell >= 0),
    value int NOT NULL,
    PRIMARY KEY (key, lane, cell)
);
ALTER TABLE control.switch_history ADD COLUMN cell int;   -- none: every cell that has no value of its own
