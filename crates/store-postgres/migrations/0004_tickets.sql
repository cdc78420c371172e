-- The catalogue, its stocks, what orders buy of it, and prepaid balances. Tables and columns have the
-- names that they have in the embedded store. In products, skus and stocks the partner is who sells.

ALTER TABLE partners
    ADD COLUMN credit_limit     bigint  NOT NULL DEFAULT 0,
    ADD COLUMN credit_currency  text    NOT NULL DEFAULT 'CNY';

CREATE TABLE products (
    partner     bigint  NOT NULL REFERENCES partners (id),
    id          bigint  NOT NULL,
    name        text    NOT NULL,
    state       smallint NOT NULL CHECK (state BETWEEN 0 AND 1),
    system      text    COLLATE "C",
    pictures    text    NOT NULL,   -- JSON array of addresses
    contacts    text    NOT NULL,   -- JSON array of [phone, hours]
    texts       text    NOT NULL,   -- JSON object
    changed_at  bigint  NOT NULL,
    -- Counts the changes, so that nobody overwrites what he has not seen.
    version     bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (partner, id)
);

-- A product, a sku and a stock are looked up by who does not know whose they are.
CREATE INDEX products_id ON products (id);

CREATE TABLE skus (
    partner     bigint  NOT NULL REFERENCES partners (id),
    id          bigint  NOT NULL,
    product     bigint  NOT NULL,
    currency    text    NOT NULL,
    market      bigint  NOT NULL,
    sell        bigint  NOT NULL,
    cost        bigint  NOT NULL,
    sale_from   bigint,
    sale_until  bigint,
    order_min   bigint  NOT NULL,
    order_max   bigint  NOT NULL,
    rules       text    NOT NULL,   -- JSON object: what a unit is, and its rules
    changed_at  bigint  NOT NULL,
    version     bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (partner, id)
);

CREATE INDEX skus_id ON skus (id);
CREATE INDEX skus_product ON skus (partner, product);

-- Few rows, changed all the time, and one of them by everybody at once: the versions of a row stay on its
-- page, and no change touches an index.
CREATE TABLE stocks (
    partner     bigint  NOT NULL REFERENCES partners (id),
    sku         bigint  NOT NULL,
    day         bigint  NOT NULL,   -- days since 1970; -2147483648 where it is not sold by the day
    total       bigint  NOT NULL,
    held        bigint  NOT NULL,
    sold        bigint  NOT NULL,
    closed      boolean NOT NULL,
    currency    text,               -- NULL with the three prices when the sku's count
    market      bigint,
    sell        bigint,
    cost        bigint,
    PRIMARY KEY (partner, sku, day)
) WITH (fillfactor = 20);

CREATE INDEX stocks_sku ON stocks (sku, day);

-- What an order buys from the catalogue.
CREATE TABLE order_lines (
    partner         bigint  NOT NULL,
    order_id        bigint  NOT NULL,
    seller          bigint  NOT NULL,
    product         bigint  NOT NULL,
    sku             bigint  NOT NULL,
    name            text    NOT NULL,
    day             bigint,             -- NULL where it is not sold by the day
    quantity        bigint  NOT NULL,
    currency        text    NOT NULL,
    sell            bigint  NOT NULL,
    cost            bigint  NOT NULL,
    used            bigint  NOT NULL,
    refunded        bigint  NOT NULL,
    locked          bigint  NOT NULL,
    codes           smallint NOT NULL CHECK (codes BETWEEN 0 AND 1),
    usable_after    bigint  NOT NULL,
    valid_from      bigint,
    valid_until     bigint,
    refund_terms    text    NOT NULL,   -- JSON object
    travellers      text    NOT NULL,   -- JSON array of arrays
    send_codes      boolean NOT NULL,
    resent          bigint  NOT NULL,
    sent_at         bigint,
    PRIMARY KEY (partner, order_id)
) WITH (fillfactor = 80);

CREATE TABLE deposits (
    partner     bigint  NOT NULL REFERENCES partners (id),
    id          bigint  NOT NULL,
    number      text    COLLATE "C" NOT NULL,
    amount      bigint  NOT NULL,
    currency    text    NOT NULL,
    note        text    NOT NULL,
    operator    text    NOT NULL,
    PRIMARY KEY (partner, id)
);

CREATE UNIQUE INDEX deposits_number ON deposits (partner, number);

ALTER TABLE vouchers
    ADD COLUMN refunded     bigint  NOT NULL DEFAULT 0,
    ADD COLUMN locked       bigint  NOT NULL DEFAULT 0,
    ADD COLUMN order_id     bigint,
    ADD COLUMN seller       bigint,
    ADD COLUMN valid_from   bigint;

-- Vouchers that an order has bought; the others pay nothing for it.
CREATE INDEX vouchers_order ON vouchers (partner, order_id) WHERE order_id IS NOT NULL;

ALTER TABLE redemptions
    ADD COLUMN used_so_far  bigint  NOT NULL DEFAULT 0,
    ADD COLUMN left_over    bigint  NOT NULL DEFAULT 0;

UPDATE redemptions r SET used_so_far = s.used, left_over = s.ordered - s.used
    FROM (SELECT r.partner, r.voucher, r.id, v.ordered,
            sum(r.count) OVER (PARTITION BY r.partner, r.voucher ORDER BY r.id)::bigint AS used
        FROM redemptions r JOIN vouchers v ON v.partner = r.partner AND v.id = r.voucher) AS s
    WHERE r.partner = s.partner AND r.voucher = s.voucher AND r.id = s.id;

ALTER TABLE refunds
    ADD COLUMN units        bigint  NOT NULL DEFAULT 0,
    ADD COLUMN units_so_far bigint  NOT NULL DEFAULT 0;

-- What waits for somebody's decision. Few rows.
CREATE INDEX refunds_review ON refunds (partner, id) WHERE kind = 3 AND state = 1;

-- New variants. What is there has passed a narrower check already.
ALTER TABLE payments DROP CONSTRAINT payments_flow_check,
    ADD CONSTRAINT payments_flow_check CHECK (flow BETWEEN 0 AND 4) NOT VALID;
ALTER TABLE refunds DROP CONSTRAINT refunds_kind_check,
    ADD CONSTRAINT refunds_kind_check CHECK (kind BETWEEN 0 AND 3) NOT VALID;
-- What a deposit has caused has its id below zero in the place of the order's.
ALTER TABLE transfers DROP CONSTRAINT transfers_purpose_check,
    ADD CONSTRAINT transfers_purpose_check CHECK (purpose BETWEEN 0 AND 4) NOT VALID;
-- What is about a sku has its id and 2^62 in the place of the order's, here and in tasks.
ALTER TABLE events DROP CONSTRAINT events_kind_check,
    ADD CONSTRAINT events_kind_check CHECK (kind BETWEEN 0 AND 8) NOT VALID;
ALTER TABLE tasks DROP CONSTRAINT tasks_kind_check,
    ADD CONSTRAINT tasks_kind_check CHECK (kind BETWEEN 0 AND 5) NOT VALID;

-- The planner is told of the new tables, and of the new indexes beside the old ones, as it was of the
-- first.
ALTER TABLE products ALTER COLUMN partner SET (n_distinct = 2);
ALTER TABLE skus ALTER COLUMN partner SET (n_distinct = 2);
ALTER TABLE stocks ALTER COLUMN partner SET (n_distinct = 2);
ALTER TABLE order_lines ALTER COLUMN partner SET (n_distinct = 2);
ALTER TABLE deposits ALTER COLUMN partner SET (n_distinct = 2);

INSERT INTO partners (id, name, state, methods, fee_ppm, settings, created_at) VALUES (0, '', 1, '[]', 0, '{}', 0);
INSERT INTO products (partner, id, name, state, pictures, contacts, texts, changed_at)
    SELECT 0, n, '', n % 2, '', '', '', n FROM generate_series(1, 1000) AS n;
INSERT INTO skus (partner, id, product, currency, market, sell, cost, order_min, order_max, rules, changed_at)
    SELECT 0, n, n / 2, '', 0, 0, 0, 0, 0, '', n FROM generate_series(1, 1000) AS n;
INSERT INTO stocks (partner, sku, day, total, held, sold, closed)
    SELECT 0, n / 10, n % 10, 0, 0, 0, false FROM generate_series(1, 1000) AS n;
INSERT INTO order_lines (partner, order_id, seller, product, sku, name, quantity, currency, sell, cost, used,
        refunded, locked, codes, usable_after, refund_terms, travellers, send_codes, resent)
    SELECT 0, n, 0, n, n, '', 0, '', 0, 0, 0, 0, 0, 0, 0, '', '', false, 0 FROM generate_series(1, 1000) AS n;
INSERT INTO deposits (partner, id, number, amount, currency, note, operator)
    SELECT 0, n, n, 0, '', '', '' FROM generate_series(1, 1000) AS n;
INSERT INTO vouchers (partner, id, dialect, number, fingerprint, code, subject, ordered, used, state, order_id)
    SELECT 0, n + 1000, '', n + 1000, n, n, '', 0, 0, 0, n / 2 FROM generate_series(1, 1000) AS n;
ANALYZE products, skus, stocks, order_lines, deposits, vouchers;
DELETE FROM vouchers WHERE partner = 0;
TRUNCATE products, skus, stocks, order_lines, deposits;
DELETE FROM partners WHERE id = 0;
