-- Small integers stand for the variants of enums; src/codes.rs maps them and may never renumber.
-- Times are milliseconds since 1970 UTC, amounts millionths of the currency's main unit. Only what
-- the database's own clock decides (leases) is a timestamptz.
--
-- Every table of a partner's business leads with the partner in its primary key and in each unique
-- index, so that the tables can be spread over a distributed PostgreSQL by that column. The tables
-- that do not are few, small and seldom written; there they are reference tables, kept on every node:
-- facts and nodes (the gateway's own), schema_migrations and schema_lock. Two directories lead with
-- what somebody shows before it is known whose it is: key_ids and voucher_codes. They are what makes
-- those unique over all partners, which no index of a partner's own table could; a distributed database
-- spreads them by what they lead with, or keeps key_ids as a reference table.
--
-- Rows that belong to an order have no foreign key to it: the check would cost a look-up for each
-- row on the hottest path, and `verify` proves the same of what is stored.
--
-- Texts that are looked up or sorted compare by their bytes, whatever the database's locale.

CREATE TABLE partners (
    id          bigint  PRIMARY KEY,
    name        text    NOT NULL,
    state       smallint NOT NULL CHECK (state BETWEEN 0 AND 1),
    methods     text    NOT NULL,   -- JSON array of names
    fee_ppm     bigint  NOT NULL,
    settings    text    NOT NULL,
    created_at  bigint  NOT NULL,
    -- Counts the changes, so that nobody overwrites what he has not seen.
    version     bigint  NOT NULL DEFAULT 0
);

-- A key id belongs to one partner of a dialect for ever, however many keys go by it in turn.
CREATE TABLE key_ids (
    dialect     text    COLLATE "C" NOT NULL,
    key_id      text    COLLATE "C" NOT NULL,
    partner     bigint  NOT NULL,
    PRIMARY KEY (dialect, key_id)
);

CREATE TABLE credentials (
    partner         bigint  NOT NULL REFERENCES partners (id),
    id              bigint  NOT NULL,
    dialect         text    COLLATE "C" NOT NULL,
    key_id          text    COLLATE "C" NOT NULL,
    sealed_secret   bytea   NOT NULL,
    created_at      bigint  NOT NULL,
    expires_at      bigint,
    version         bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (partner, id)
);

CREATE TABLE users (
    partner             bigint  NOT NULL REFERENCES partners (id),
    login               text    COLLATE "C" NOT NULL,
    id                  bigint  NOT NULL,
    name                text    NOT NULL,
    password_hash       text    NOT NULL,
    state               smallint NOT NULL CHECK (state BETWEEN 0 AND 2),
    may_refund          boolean NOT NULL,
    device_serial       text    NOT NULL,
    device_software     text    NOT NULL,
    device_version      text    NOT NULL,
    signed_in_at        bigint,
    created_at          bigint  NOT NULL,
    version             bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (partner, login)
);

CREATE INDEX users_login ON users (login, partner);

CREATE TABLE endpoints (
    partner     bigint  NOT NULL REFERENCES partners (id),
    id          bigint  NOT NULL,
    dialect     text    NOT NULL,
    url         text    NOT NULL,
    events      text    NOT NULL,   -- JSON array of names
    created_at  bigint  NOT NULL,
    PRIMARY KEY (partner, id)
);

-- Rows that change soon after they are made leave room on their page: such a change touches no index.
CREATE TABLE orders (
    partner             bigint  NOT NULL,
    id                  bigint  NOT NULL,
    dialect             text    NOT NULL,
    number              text    COLLATE "C" NOT NULL,
    fingerprint         bigint  NOT NULL,
    amount              bigint  NOT NULL,
    currency            text    NOT NULL,
    subject             text    NOT NULL,
    stage               smallint NOT NULL CHECK (stage BETWEEN 0 AND 3),
    revocation_applied  boolean NOT NULL,
    refunded            bigint  NOT NULL,
    refunding           bigint  NOT NULL,
    refund_failed       boolean NOT NULL,
    fee_ppm             bigint  NOT NULL,
    payment             bigint  NOT NULL,
    paid_at             bigint,
    ended_at            bigint,
    expires_at          bigint  NOT NULL,
    operator            text    COLLATE "C" NOT NULL,
    device              text    NOT NULL,
    store               text,
    notify_url          text,
    details             text,
    PRIMARY KEY (partner, id)
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX orders_number ON orders (partner, number);

CREATE TABLE payments (
    partner         bigint  NOT NULL,
    order_id        bigint  NOT NULL,
    id              bigint  NOT NULL,
    channel         text    NOT NULL,
    method          text    COLLATE "C" NOT NULL,
    flow            smallint NOT NULL CHECK (flow BETWEEN 0 AND 3),
    state           smallint NOT NULL CHECK (state BETWEEN 0 AND 5),
    amount          bigint  NOT NULL,
    currency        text    NOT NULL,
    payer_code      text,
    payer           text,
    channel_number  text,
    bills           text,       -- JSON array of [source, amount, currency]; NULL when there are none
    reason          text,
    settled_at      bigint,
    follow_up       bigint,
    PRIMARY KEY (partner, order_id, id)
) WITH (fillfactor = 80);

CREATE TABLE refunds (
    partner         bigint  NOT NULL,
    order_id        bigint  NOT NULL,
    id              bigint  NOT NULL,
    number          text    COLLATE "C" NOT NULL,
    fingerprint     bigint  NOT NULL,
    kind            smallint NOT NULL CHECK (kind BETWEEN 0 AND 2),
    state           smallint NOT NULL CHECK (state BETWEEN 0 AND 4),
    amount          bigint  NOT NULL,
    currency        text    NOT NULL,
    subject         text    NOT NULL,
    operator        text    NOT NULL,
    channel_number  text,
    bills           text,
    reason          text,
    settled_at      bigint,
    follow_up       bigint,
    hold            bigint  NOT NULL,
    PRIMARY KEY (partner, order_id, id)
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX refunds_number ON refunds (partner, number);

CREATE TABLE transfers (
    partner     bigint  NOT NULL,
    order_id    bigint  NOT NULL,
    id          bigint  NOT NULL,
    debit       text    NOT NULL,
    credit      text    NOT NULL,
    amount      bigint  NOT NULL,
    currency    text    NOT NULL,
    kind        smallint NOT NULL CHECK (kind BETWEEN 0 AND 3),
    settles     bigint,         -- the pending transfer that this one posts or voids
    purpose     smallint NOT NULL CHECK (purpose BETWEEN 0 AND 3),
    at          bigint  NOT NULL,
    PRIMARY KEY (partner, order_id, id)
);

-- Sums of transfers, written with them. Few rows, changed all the time.
CREATE TABLE accounts (
    partner         bigint  NOT NULL REFERENCES partners (id),
    account         text    COLLATE "C" NOT NULL,
    currency        text    COLLATE "C" NOT NULL,
    debits_posted   bigint  NOT NULL,
    credits_posted  bigint  NOT NULL,
    debits_pending  bigint  NOT NULL,
    credits_pending bigint  NOT NULL,
    PRIMARY KEY (partner, account, currency)
) WITH (fillfactor = 30);

-- What is about a voucher has its id below zero in the place of the order's, here and in tasks.
CREATE TABLE events (
    partner     bigint  NOT NULL,
    number      bigint  NOT NULL,
    kind        smallint NOT NULL CHECK (kind BETWEEN 0 AND 5),
    order_id    bigint  NOT NULL,
    refund      bigint,
    redemption  bigint,
    at          bigint  NOT NULL,
    PRIMARY KEY (partner, number)
);

CREATE INDEX events_order ON events (partner, order_id, number);

CREATE TABLE streams (
    partner     bigint  PRIMARY KEY REFERENCES partners (id),
    last        bigint  NOT NULL
) WITH (fillfactor = 30);

CREATE TABLE tasks (
    partner     bigint  NOT NULL,
    order_id    bigint  NOT NULL,
    id          bigint  NOT NULL,
    kind        smallint NOT NULL CHECK (kind BETWEEN 0 AND 2),
    subject     bigint  NOT NULL,   -- the event's number, the payment or the refund
    endpoint    bigint,
    state       smallint NOT NULL CHECK (state BETWEEN 0 AND 3),
    started_at  bigint  NOT NULL,
    due_at      bigint  NOT NULL,
    attempts    bigint  NOT NULL,
    last_result text,
    -- Who works on it, and until when by the clock of the database nobody else may.
    lease       bigint,
    lease_until timestamptz,
    PRIMARY KEY (partner, order_id, id)
) WITH (fillfactor = 70);

-- Only what waits, so that what is done costs nothing.
CREATE INDEX tasks_due ON tasks (partner, due_at, order_id, id) WHERE state = 0;
-- What waits for a person. Few rows.
CREATE INDEX tasks_ended ON tasks (partner, id) WHERE state >= 2;

CREATE TABLE vouchers (
    partner         bigint  NOT NULL,
    id              bigint  NOT NULL,
    dialect         text    NOT NULL,
    number          text    COLLATE "C" NOT NULL,
    fingerprint     bigint  NOT NULL,
    code            bigint  NOT NULL,
    subject         text    NOT NULL,
    ordered         bigint  NOT NULL,
    used            bigint  NOT NULL,
    state           smallint NOT NULL CHECK (state BETWEEN 0 AND 1),
    valid_until     bigint,
    cancelled_at    bigint,
    shares          text,       -- JSON array of [[partners], quota, used]; NULL when there are none
    notify_url      text,
    details         text,
    PRIMARY KEY (partner, id)
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX vouchers_number ON vouchers (partner, number);

-- Which voucher a code belongs to.
CREATE TABLE voucher_codes (
    code        bigint  NOT NULL,
    partner     bigint  NOT NULL,
    voucher     bigint  NOT NULL
);

CREATE UNIQUE INDEX vouchers_code ON voucher_codes (code);

CREATE TABLE redemptions (
    partner     bigint  NOT NULL,
    voucher     bigint  NOT NULL,
    id          bigint  NOT NULL,
    by_partner  bigint  NOT NULL,
    device      text    COLLATE "C" NOT NULL,
    count       bigint  NOT NULL,
    PRIMARY KEY (partner, voucher, id)
);

-- Those who redeem look at what they did, device by device, whoever issued it.
CREATE INDEX redemptions_by ON redemptions (by_partner, device, id);

CREATE TABLE facts (
    name    text    COLLATE "C" PRIMARY KEY,
    value   text    NOT NULL
) WITH (fillfactor = 50);

-- The numbers in the ids. All there are, so that claiming one is an update of one row.
CREATE TABLE nodes (
    number      smallint PRIMARY KEY CHECK (number BETWEEN 0 AND 99),
    lease       bigint,
    lease_until timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);

INSERT INTO nodes (number) SELECT generate_series(0, 99);

-- Every index of a table leads with the partner, and as long as a table is small all of them look
-- equally good to the planner, which would look an order up by its id in the index of numbers. So it is
-- told, once and for ever, that a partner alone selects a good part of a table. It believes that only
-- when it has statistics, so it gets the first from rows that are removed again.
ALTER TABLE orders ALTER COLUMN partner SET (n_distinct = 2);
ALTER TABLE payments ALTER COLUMN partner SET (n_distinct = 2);
ALTER TABLE refunds ALTER COLUMN partner SET (n_distinct = 2);
ALTER TABLE transfers ALTER COLUMN partner SET (n_distinct = 2);
ALTER TABLE events ALTER COLUMN partner SET (n_distinct = 2);
ALTER TABLE tasks ALTER COLUMN partner SET (n_distinct = 2);
ALTER TABLE vouchers ALTER COLUMN partner SET (n_distinct = 2);
ALTER TABLE redemptions ALTER COLUMN partner SET (n_distinct = 2);
ALTER TABLE redemptions ALTER COLUMN by_partner SET (n_distinct = 2);

INSERT INTO orders (partner, id, dialect, number, fingerprint, amount, currency, subject, stage,
        revocation_applied, refunded, refunding, refund_failed, fee_ppm, payment, expires_at, operator, device)
    SELECT 0, n, '', n, n, 0, '', '', 0, false, 0, 0, false, 0, n, 0, n % 10, '' FROM generate_series(1, 1000) AS n;
INSERT INTO payments (partner, order_id, id, channel, method, flow, state, amount, currency)
    SELECT 0, n, n, '', '', 0, 0, 0, '' FROM generate_series(1, 1000) AS n;
INSERT INTO refunds (partner, order_id, id, number, fingerprint, kind, state, amount, currency, subject, operator, hold)
    SELECT 0, n, n, n, n, 0, 0, 0, '', '', '', n FROM generate_series(1, 1000) AS n;
INSERT INTO transfers (partner, order_id, id, debit, credit, amount, currency, kind, purpose, at)
    SELECT 0, n, n, '', '', 0, '', 0, 0, n FROM generate_series(1, 1000) AS n;
INSERT INTO events (partner, number, kind, order_id, at)
    SELECT 0, n, 0, n, n FROM generate_series(1, 1000) AS n;
INSERT INTO tasks (partner, order_id, id, kind, subject, state, started_at, due_at, attempts)
    SELECT 0, n, n, 0, n, (n % 100 > 0)::int, n, n, 0 FROM generate_series(1, 1000) AS n;
INSERT INTO vouchers (partner, id, dialect, number, fingerprint, code, subject, ordered, used, state)
    SELECT 0, n, '', n, n, n, '', 0, 0, 0 FROM generate_series(1, 1000) AS n;
INSERT INTO redemptions (partner, voucher, id, by_partner, device, count)
    SELECT 0, n, n, 0, n % 10, 0 FROM generate_series(1, 1000) AS n;
ANALYZE orders, payments, refunds, transfers, events, tasks, vouchers, redemptions;
TRUNCATE orders, payments, refunds, transfers, events, tasks, vouchers, redemptions;
