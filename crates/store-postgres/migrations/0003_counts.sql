-- How many rows of a list lie in each stretch of time, written with the rows, so that no list has to walk
-- past what it does not show. Stretches are ranges of ids: a second (10000000 ids), two minutes (120 of
-- them) and four hours (120 of those); see crates/store/src/counts.rs.
--
-- Whoever adds to a row holds it until the commit, so processes that write for the same partner meet here.
-- Rows change often and no index has what changes: they leave room on their pages.
CREATE TABLE counts (
    partner     bigint  NOT NULL,   -- whose list: of redemptions, who redeemed
    grain       smallint NOT NULL CHECK (grain BETWEEN 0 AND 5),
    place       text    COLLATE "C" NOT NULL,   -- the device of redemptions; empty for orders
    stretch     bigint  NOT NULL,
    n           bigint  NOT NULL,
    PRIMARY KEY (partner, grain, place, stretch)
) WITH (fillfactor = 50);

-- Nobody adds orders between the look and the end of this step.
LOCK TABLE orders, redemptions IN SHARE MODE;

INSERT INTO counts (partner, grain, place, stretch, n)
    SELECT partner, 0, '', id / 10000000, count(*) FROM orders GROUP BY 1, 4;
INSERT INTO counts (partner, grain, place, stretch, n)
    SELECT by_partner, 3, device, id / 10000000, count(*) FROM redemptions GROUP BY 1, 3, 4;
INSERT INTO counts (partner, grain, place, stretch, n)
    SELECT partner, grain + 1, place, stretch / 120, sum(n) FROM counts WHERE grain IN (0, 3) GROUP BY 1, 2, 3, 4;
INSERT INTO counts (partner, grain, place, stretch, n)
    SELECT partner, grain + 1, place, stretch / 120, sum(n) FROM counts WHERE grain IN (1, 4) GROUP BY 1, 2, 3, 4;
