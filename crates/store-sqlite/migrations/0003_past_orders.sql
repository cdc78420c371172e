-- What is kept of orders that have gone, and of their refunds: the numbers, which stay taken for ever,
-- and what the order came to. Its transfers stay where they are.
CREATE TABLE past_orders (
    partner     INTEGER NOT NULL,
    number      TEXT    NOT NULL,
    order_id    INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    collected   INTEGER NOT NULL,
    returned    INTEGER NOT NULL,
    fee         INTEGER NOT NULL,
    gone_at     INTEGER NOT NULL,
    PRIMARY KEY (partner, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE past_refunds (
    partner     INTEGER NOT NULL,
    number      TEXT    NOT NULL,
    order_id    INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    hold        INTEGER NOT NULL,   -- the pending transfer that had reserved the money
    PRIMARY KEY (partner, number)
) STRICT, WITHOUT ROWID;
