-- What the runtime's role may do, given by whoever owns the tables.
GRANT SELECT ON
    partners, key_ids, credentials, users, endpoints, orders, payments, refunds, transfers, accounts, counts,
    past_orders, past_refunds, events, streams, tasks, vouchers, voucher_codes, redemptions, facts, nodes,
    schema_migrations, products, skus, stocks, order_lines, deposits
    TO tradewind_runtime;
GRANT INSERT, UPDATE ON
    partners, key_ids, credentials, users, orders, payments, refunds, accounts, streams,
    vouchers, facts, products, skus, stocks, order_lines
    TO tradewind_runtime;
GRANT INSERT, UPDATE, DELETE ON tasks, counts TO tradewind_runtime;
GRANT DELETE ON orders, payments, refunds TO tradewind_runtime;
GRANT INSERT, DELETE ON endpoints, events TO tradewind_runtime;
GRANT INSERT ON past_orders, past_refunds, transfers, voucher_codes, redemptions, deposits TO tradewind_runtime;
GRANT UPDATE ON nodes TO tradewind_runtime;
