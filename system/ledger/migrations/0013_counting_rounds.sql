-- The rounds in which a start of a front still answered, as its newest report says: a round that is closed and not among
-- them gets no further count from it. Source: docs/season.md, "Counting". As of a report of an older front: none.
ALTER TABLE control.counting ADD COLUMN IF NOT EXISTS rounds int[] NOT NULL DEFAULT '{{}}';
