-- What is kept of orders that have gone, and of their refunds: the numbers, which stay taken for ever,
-- and what the order came to. Its transfers stay where they are.
CREATE TABLE past_orders (
    partner     bigint  NOT NULL,
    number      text    COLLATE "C" NOT NULL,
    order_id    bigint  NOT NULL,
    fingerprint bigint  NOT NULL,
    currency    text    NOT NULL,
    collected   bigint  NOT NULL,
    returned    bigint  NOT NULL,
    fee         bigint  NOT NULL,
    gone_at     bigint  NOT NULL,
    PRIMARY KEY (partner, number)
);

CREATE TABLE past_refunds (
    partner     bigint  NOT NULL,
    number      text    COLLATE "C" NOT NULL,
    order_id    bigint  NOT NULL,
    fingerprint bigint  NOT NULL,
    hold        bigint  NOT NULL,   -- the pending transfer that had reserved the money
    PRIMARY KEY (partner, number)
);
