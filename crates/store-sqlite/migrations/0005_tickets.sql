-- A catalogue with stock, purchases from prepaid balances, refunds of units. In products, skus and stocks
-- the partner is who sells.
--
-- Checks cannot be widened in place, so tables whose numbers gain a variant move to a new one.

ALTER TABLE partners ADD COLUMN credit_limit INTEGER NOT NULL DEFAULT 0;
ALTER TABLE partners ADD COLUMN credit_currency TEXT NOT NULL DEFAULT 'CNY';

CREATE TABLE products (
    id          INTEGER PRIMARY KEY,
    partner     INTEGER NOT NULL REFERENCES partners (id),
    name        TEXT    NOT NULL,
    state       INTEGER NOT NULL CHECK (state BETWEEN 0 AND 1),
    system      TEXT,
    pictures    TEXT    NOT NULL,   -- JSON array of addresses
    contacts    TEXT    NOT NULL,   -- JSON array of [phone, hours]
    texts       TEXT    NOT NULL,
    changed_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX products_partner ON products (partner);

-- The prices of a sku share one currency; so do those of a stock.
CREATE TABLE skus (
    id          INTEGER PRIMARY KEY,
    partner     INTEGER NOT NULL REFERENCES partners (id),
    product     INTEGER NOT NULL,
    market      INTEGER NOT NULL,
    sell        INTEGER NOT NULL,
    cost        INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    sale_from   INTEGER,
    sale_until  INTEGER,
    order_min   INTEGER NOT NULL,
    order_max   INTEGER NOT NULL,
    rules       TEXT    NOT NULL,   -- JSON object: what a unit is, and its rules
    changed_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX skus_product ON skus (product);

CREATE TABLE stocks (
    sku         INTEGER NOT NULL,
    day         INTEGER NOT NULL,   -- since 1970; -2147483648 where it is not sold by the day
    partner     INTEGER NOT NULL,
    total       INTEGER NOT NULL,
    held        INTEGER NOT NULL,
    sold        INTEGER NOT NULL,
    closed      INTEGER NOT NULL CHECK (closed BETWEEN 0 AND 1),
    market      INTEGER,            -- the day's own price, or none of the four
    sell        INTEGER,
    cost        INTEGER,
    currency    TEXT,
    PRIMARY KEY (sku, day)
) STRICT, WITHOUT ROWID;

ALTER TABLE orders ADD COLUMN has_line INTEGER NOT NULL DEFAULT 0 CHECK (has_line BETWEEN 0 AND 1);

-- What an order buys from the catalogue. Most orders only collect money and have none, so it stands
-- beside them.
CREATE TABLE order_lines (
    order_id        INTEGER PRIMARY KEY,
    partner         INTEGER NOT NULL,
    seller          INTEGER NOT NULL,
    product         INTEGER NOT NULL,
    sku             INTEGER NOT NULL,
    name            TEXT    NOT NULL,
    day             INTEGER,        -- since 1970; NULL where it is not sold by the day
    quantity        INTEGER NOT NULL,
    sell            INTEGER NOT NULL,
    cost            INTEGER NOT NULL,
    currency        TEXT    NOT NULL,
    used            INTEGER NOT NULL,
    refunded        INTEGER NOT NULL,
    locked          INTEGER NOT NULL,
    codes           INTEGER NOT NULL CHECK (codes BETWEEN 0 AND 1),
    usable_after    INTEGER NOT NULL,
    valid_from      INTEGER,
    valid_until     INTEGER,
    refund_terms    TEXT    NOT NULL,   -- JSON object: how units can be given back
    travellers      TEXT    NOT NULL,   -- JSON array of arrays
    send_codes      INTEGER NOT NULL CHECK (send_codes BETWEEN 0 AND 1),
    resent          INTEGER NOT NULL,
    sent_at         INTEGER
) STRICT;

CREATE TABLE deposits (
    id          INTEGER PRIMARY KEY,
    partner     INTEGER NOT NULL REFERENCES partners (id),
    number      TEXT    NOT NULL,
    amount      INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    note        TEXT    NOT NULL,
    operator    TEXT    NOT NULL
) STRICT;

CREATE UNIQUE INDEX deposits_number ON deposits (partner, number);
-- Also deposits by id within a partner: every index entry ends with the id.
CREATE INDEX deposits_partner ON deposits (partner);

ALTER TABLE vouchers ADD COLUMN refunded INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vouchers ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vouchers ADD COLUMN order_id INTEGER;
ALTER TABLE vouchers ADD COLUMN seller INTEGER;
ALTER TABLE vouchers ADD COLUMN valid_from INTEGER;

CREATE INDEX vouchers_order ON vouchers (order_id) WHERE order_id IS NOT NULL;

CREATE TABLE redemptions_moved (
    voucher     INTEGER NOT NULL,
    id          INTEGER NOT NULL,
    partner     INTEGER NOT NULL,
    by_partner  INTEGER NOT NULL,
    device      TEXT    NOT NULL,
    count       INTEGER NOT NULL,
    used_so_far INTEGER NOT NULL,
    left_over   INTEGER NOT NULL,
    PRIMARY KEY (voucher, id)
) STRICT, WITHOUT ROWID;

INSERT INTO redemptions_moved (voucher, id, partner, by_partner, device, count, used_so_far, left_over)
    SELECT voucher, id, partner, by_partner, device, count, used,
        ifnull((SELECT v.ordered FROM vouchers v WHERE v.id = r.voucher), used) - used
    FROM (SELECT *, sum(count) OVER (PARTITION BY voucher ORDER BY id) AS used FROM redemptions) AS r
    ORDER BY voucher, id;
DROP TABLE redemptions;
ALTER TABLE redemptions_moved RENAME TO redemptions;
CREATE INDEX redemptions_by ON redemptions (by_partner, device, id);
-- Events of orders tell redemptions by their id alone.
CREATE INDEX redemptions_id ON redemptions (id);

CREATE TABLE payments_moved (
    order_id        INTEGER NOT NULL,
    id              INTEGER NOT NULL,
    partner         INTEGER NOT NULL,
    channel         TEXT    NOT NULL,
    method          TEXT    NOT NULL,
    flow            INTEGER NOT NULL CHECK (flow BETWEEN 0 AND 4),
    state           INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5),
    amount          INTEGER NOT NULL,
    currency        TEXT    NOT NULL,
    payer_code      TEXT,
    payer           TEXT,
    channel_number  TEXT,
    bills           TEXT,       -- JSON array of [source, amount, currency]; NULL when there are none
    reason          TEXT,
    settled_at      INTEGER,
    follow_up       INTEGER,
    PRIMARY KEY (order_id, id)
) STRICT, WITHOUT ROWID;

INSERT INTO payments_moved SELECT * FROM payments ORDER BY order_id, id;
DROP TABLE payments;
ALTER TABLE payments_moved RENAME TO payments;

CREATE TABLE refunds_moved (
    order_id        INTEGER NOT NULL,
    id              INTEGER NOT NULL,
    partner         INTEGER NOT NULL,
    number          TEXT    NOT NULL,
    fingerprint     INTEGER NOT NULL,
    kind            INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3),
    state           INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
    amount          INTEGER NOT NULL,
    currency        TEXT    NOT NULL,
    subject         TEXT    NOT NULL,
    operator        TEXT    NOT NULL,
    channel_number  TEXT,
    bills           TEXT,
    reason          TEXT,
    settled_at      INTEGER,
    follow_up       INTEGER,
    hold            INTEGER NOT NULL,
    units           INTEGER NOT NULL,
    units_so_far    INTEGER NOT NULL,
    PRIMARY KEY (order_id, id)
) STRICT, WITHOUT ROWID;

INSERT INTO refunds_moved SELECT *, 0, 0 FROM refunds ORDER BY order_id, id;
DROP TABLE refunds;
ALTER TABLE refunds_moved RENAME TO refunds;
CREATE UNIQUE INDEX refunds_number ON refunds (partner, number);
-- What waits for somebody's decision. Few rows.
CREATE INDEX refunds_review ON refunds (partner, id) WHERE kind = 3 AND state = 1;

CREATE TABLE transfers_moved (
    order_id    INTEGER NOT NULL,   -- or a deposit, below zero
    id          INTEGER NOT NULL,
    partner     INTEGER NOT NULL,
    debit       TEXT    NOT NULL,
    credit      TEXT    NOT NULL,
    amount      INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    kind        INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3),
    settles     INTEGER,        -- the pending transfer that this one posts or voids
    purpose     INTEGER NOT NULL CHECK (purpose BETWEEN 0 AND 4),
    at          INTEGER NOT NULL,
    PRIMARY KEY (order_id, id)
) STRICT, WITHOUT ROWID;

INSERT INTO transfers_moved SELECT * FROM transfers ORDER BY order_id, id;
DROP TABLE transfers;
ALTER TABLE transfers_moved RENAME TO transfers;

CREATE TABLE events_moved (
    partner     INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    kind        INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 8),
    order_id    INTEGER NOT NULL,   -- or a voucher, below zero, or a sku, from 2^62; so in tasks
    refund      INTEGER,
    redemption  INTEGER,
    at          INTEGER NOT NULL,
    PRIMARY KEY (partner, number)
) STRICT, WITHOUT ROWID;

INSERT INTO events_moved SELECT * FROM events ORDER BY partner, number;
DROP TABLE events;
ALTER TABLE events_moved RENAME TO events;
CREATE INDEX events_order ON events (order_id);

CREATE TABLE tasks_moved (
    order_id    INTEGER NOT NULL,
    id          INTEGER NOT NULL,
    partner     INTEGER NOT NULL,
    kind        INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 5),
    subject     INTEGER NOT NULL,   -- the event's number, the payment or the refund; 0 where there is none
    endpoint    INTEGER,
    state       INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
    started_at  INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    last_result TEXT,
    PRIMARY KEY (order_id, id)
) STRICT, WITHOUT ROWID;

INSERT INTO tasks_moved SELECT * FROM tasks ORDER BY order_id, id;
DROP TABLE tasks;
ALTER TABLE tasks_moved RENAME TO tasks;
CREATE INDEX tasks_due ON tasks (partner, due_at) WHERE state = 0;
CREATE INDEX tasks_ended ON tasks (partner, id) WHERE state >= 2;
