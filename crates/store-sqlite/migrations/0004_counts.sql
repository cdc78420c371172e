-- How many rows of a list lie in each stretch of time, written with the rows, so that no list has to walk
-- past what it does not show. Stretches are ranges of ids: a second (10000000 ids), two minutes (120 of
-- them) and four hours (120 of those); see crates/store/src/counts.rs.
--
-- What is counted now lies together whoever's it is: a batch of many partners touches a few pages.
CREATE TABLE counts (
    grain       INTEGER NOT NULL CHECK (grain BETWEEN 0 AND 5),
    stretch     INTEGER NOT NULL,
    partner     INTEGER NOT NULL,
    place       TEXT    NOT NULL,   -- the device of redemptions; empty for orders
    n           INTEGER NOT NULL,
    PRIMARY KEY (grain, stretch, partner, place)
) STRICT, WITHOUT ROWID;

INSERT INTO counts (grain, stretch, partner, place, n)
    SELECT 0, id / 10000000, partner, '', count(*) FROM orders GROUP BY 2, 3;
INSERT INTO counts (grain, stretch, partner, place, n)
    SELECT 3, id / 10000000, by_partner, device, count(*) FROM redemptions GROUP BY 2, 3, 4;
INSERT INTO counts (grain, stretch, partner, place, n)
    SELECT grain + 1, stretch / 120, partner, place, sum(n) FROM counts WHERE grain IN (0, 3) GROUP BY 1, 2, 3, 4;
INSERT INTO counts (grain, stretch, partner, place, n)
    SELECT grain + 1, stretch / 120, partner, place, sum(n) FROM counts WHERE grain IN (1, 4) GROUP BY 1, 2, 3, 4;

-- A partner's vouchers by id, for the list of its tasks: every index entry ends with the id.
CREATE INDEX vouchers_partner ON vouchers (partner);
