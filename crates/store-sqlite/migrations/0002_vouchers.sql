-- Vouchers: what buyers hold and redeem in parts.
CREATE TABLE vouchers (
    id              INTEGER PRIMARY KEY,
    partner         INTEGER NOT NULL,
    dialect         TEXT    NOT NULL,
    number          TEXT    NOT NULL,
    fingerprint     INTEGER NOT NULL,
    code            INTEGER NOT NULL,
    subject         TEXT    NOT NULL,
    ordered         INTEGER NOT NULL,
    used            INTEGER NOT NULL,
    state           INTEGER NOT NULL CHECK (state BETWEEN 0 AND 1),
    valid_until     INTEGER,
    cancelled_at    INTEGER,
    shares          TEXT,       -- JSON array of [[partners], quota, used]; NULL when there are none
    notify_url      TEXT,
    details         TEXT
) STRICT;

CREATE UNIQUE INDEX vouchers_number ON vouchers (partner, number);
CREATE UNIQUE INDEX vouchers_code ON vouchers (code);

CREATE TABLE redemptions (
    voucher     INTEGER NOT NULL,
    id          INTEGER NOT NULL,
    partner     INTEGER NOT NULL,
    by_partner  INTEGER NOT NULL,
    device      TEXT    NOT NULL,
    count       INTEGER NOT NULL,
    PRIMARY KEY (voucher, id)
) STRICT, WITHOUT ROWID;

-- Those who redeem look at what they did, device by device.
CREATE INDEX redemptions_by ON redemptions (by_partner, device, id);

-- Events and tasks are about an order or, from here on, a voucher: its id is kept in the same column
-- below zero. A check cannot be widened in place, so the events move to a table with room for more kinds.
CREATE TABLE events_moved (
    partner     INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    kind        INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 5),
    order_id    INTEGER NOT NULL,   -- or a voucher, below zero; so in tasks
    refund      INTEGER,
    redemption  INTEGER,
    at          INTEGER NOT NULL,
    PRIMARY KEY (partner, number)
) STRICT, WITHOUT ROWID;

INSERT INTO events_moved (partner, number, kind, order_id, refund, at)
    SELECT partner, number, kind, order_id, refund, at FROM events ORDER BY partner, number;
DROP TABLE events;
ALTER TABLE events_moved RENAME TO events;
CREATE INDEX events_order ON events (order_id);
