-- Small integers stand for the variants of enums; src/codes.rs maps them and may never renumber.
-- Times are milliseconds since 1970 UTC, amounts millionths of the currency's main unit.
--
-- Rows that belong to an order have no foreign key to it: the check would cost a look-up for each
-- row on the hottest path, and `verify` proves the same of what is stored.

CREATE TABLE partners (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL,
    state       INTEGER NOT NULL CHECK (state BETWEEN 0 AND 1),
    methods     TEXT    NOT NULL,   -- JSON array of names
    fee_ppm     INTEGER NOT NULL,
    settings    TEXT    NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

-- A key id belongs to one partner of a dialect for ever, however many keys go by it in turn.
CREATE TABLE key_ids (
    dialect     TEXT    NOT NULL,
    key_id      TEXT    NOT NULL,
    partner     INTEGER NOT NULL REFERENCES partners (id),
    PRIMARY KEY (dialect, key_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE credentials (
    partner         INTEGER NOT NULL REFERENCES partners (id),
    id              INTEGER NOT NULL,
    dialect         TEXT    NOT NULL,
    key_id          TEXT    NOT NULL,
    sealed_secret   BLOB    NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER,
    PRIMARY KEY (partner, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX credentials_key_id ON credentials (dialect, key_id);

CREATE TABLE users (
    partner             INTEGER NOT NULL REFERENCES partners (id),
    login               TEXT    NOT NULL,
    id                  INTEGER NOT NULL,
    name                TEXT    NOT NULL,
    password_hash       TEXT    NOT NULL,
    state               INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
    may_refund          INTEGER NOT NULL CHECK (may_refund BETWEEN 0 AND 1),
    device_serial       TEXT    NOT NULL,
    device_software     TEXT    NOT NULL,
    device_version      TEXT    NOT NULL,
    signed_in_at        INTEGER,
    created_at          INTEGER NOT NULL,
    PRIMARY KEY (partner, login)
) STRICT, WITHOUT ROWID;

CREATE INDEX users_login ON users (login);

CREATE TABLE endpoints (
    partner     INTEGER NOT NULL REFERENCES partners (id),
    id          INTEGER NOT NULL,
    dialect     TEXT    NOT NULL,
    url         TEXT    NOT NULL,
    events      TEXT    NOT NULL,   -- JSON array of names
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (partner, id)
) STRICT, WITHOUT ROWID;

-- Ids grow with time, so new rows go to the right edge of the table.
CREATE TABLE orders (
    id                  INTEGER PRIMARY KEY,
    partner             INTEGER NOT NULL,
    dialect             TEXT    NOT NULL,
    number              TEXT    NOT NULL,
    fingerprint         INTEGER NOT NULL,
    amount              INTEGER NOT NULL,
    currency            TEXT    NOT NULL,
    subject             TEXT    NOT NULL,
    stage               INTEGER NOT NULL CHECK (stage BETWEEN 0 AND 3),
    revocation_applied  INTEGER NOT NULL CHECK (revocation_applied BETWEEN 0 AND 1),
    refunded            INTEGER NOT NULL,
    refunding           INTEGER NOT NULL,
    refund_failed       INTEGER NOT NULL CHECK (refund_failed BETWEEN 0 AND 1),
    fee_ppm             INTEGER NOT NULL,
    payment             INTEGER NOT NULL,
    paid_at             INTEGER,
    ended_at            INTEGER,
    expires_at          INTEGER NOT NULL,
    operator            TEXT    NOT NULL,
    device              TEXT    NOT NULL,
    store               TEXT,
    notify_url          TEXT,
    details             TEXT,
    -- Set in the transaction that inserts a refund; without it there is nothing to look for.
    has_refunds         INTEGER NOT NULL DEFAULT 0 CHECK (has_refunds BETWEEN 0 AND 1)
) STRICT;

CREATE UNIQUE INDEX orders_number ON orders (partner, number);
-- Also orders by id within a partner: every index entry ends with the id.
CREATE INDEX orders_partner ON orders (partner);

-- What belongs to an order lies together, and new orders' rows go to the right edge whoever's they
-- are: a batch of many partners' orders touches a few pages, not some for each partner. Numbers,
-- lists, due work and events have to be found by partner; only their narrow keys pay for that.
CREATE TABLE payments (
    order_id        INTEGER NOT NULL,
    id              INTEGER NOT NULL,
    partner         INTEGER NOT NULL,
    channel         TEXT    NOT NULL,
    method          TEXT    NOT NULL,
    flow            INTEGER NOT NULL CHECK (flow BETWEEN 0 AND 3),
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

CREATE TABLE refunds (
    order_id        INTEGER NOT NULL,
    id              INTEGER NOT NULL,
    partner         INTEGER NOT NULL,
    number          TEXT    NOT NULL,
    fingerprint     INTEGER NOT NULL,
    kind            INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 2),
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
    PRIMARY KEY (order_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX refunds_number ON refunds (partner, number);

CREATE TABLE transfers (
    order_id    INTEGER NOT NULL,
    id          INTEGER NOT NULL,
    partner     INTEGER NOT NULL,
    debit       TEXT    NOT NULL,
    credit      TEXT    NOT NULL,
    amount      INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    kind        INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3),
    settles     INTEGER,        -- the pending transfer that this one posts or voids
    purpose     INTEGER NOT NULL CHECK (purpose BETWEEN 0 AND 3),
    at          INTEGER NOT NULL,
    PRIMARY KEY (order_id, id)
) STRICT, WITHOUT ROWID;

-- Sums of transfers, written with them.
CREATE TABLE accounts (
    partner         INTEGER NOT NULL REFERENCES partners (id),
    account         TEXT    NOT NULL,
    currency        TEXT    NOT NULL,
    debits_posted   INTEGER NOT NULL,
    credits_posted  INTEGER NOT NULL,
    debits_pending  INTEGER NOT NULL,
    credits_pending INTEGER NOT NULL,
    PRIMARY KEY (partner, account, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    partner     INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    kind        INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 4),
    order_id    INTEGER NOT NULL,
    refund      INTEGER,
    at          INTEGER NOT NULL,
    PRIMARY KEY (partner, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX events_order ON events (order_id);

CREATE TABLE streams (
    partner     INTEGER PRIMARY KEY REFERENCES partners (id),
    last        INTEGER NOT NULL
) STRICT;

CREATE TABLE tasks (
    order_id    INTEGER NOT NULL,
    id          INTEGER NOT NULL,
    partner     INTEGER NOT NULL,
    kind        INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 2),
    subject     INTEGER NOT NULL,   -- the event's number, the payment or the refund
    endpoint    INTEGER,
    state       INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
    started_at  INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    last_result TEXT,
    PRIMARY KEY (order_id, id)
) STRICT, WITHOUT ROWID;

-- Only what waits, so that what is done costs nothing.
CREATE INDEX tasks_due ON tasks (partner, due_at) WHERE state = 0;
-- What waits for a person. Few rows.
CREATE INDEX tasks_ended ON tasks (partner, id) WHERE state >= 2;

CREATE TABLE facts (
    name    TEXT PRIMARY KEY,
    value   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
