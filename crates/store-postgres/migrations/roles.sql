-- The two roles of a Tradewind database, to be run once by an administrator, in the database, before
-- the first migration. Give each a password and a login of your own:
--
--   ALTER ROLE tradewind_migrator LOGIN PASSWORD '...';
--   ALTER ROLE tradewind_runtime LOGIN PASSWORD '...';
--
-- tradewind_migrator owns the tables and is used by `tradewind migrate` alone. tradewind_runtime is
-- what gateways connect as: it cannot create, alter or drop anything, cannot remove a voucher or anything
-- of the catalogue or of what orders buy of it, can neither change nor remove a transfer, a deposit or what
-- is kept of orders that have gone, and cannot change an event. Its rights are in grants.sql, which every run
-- of the migrations gives anew.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tradewind_migrator') THEN
        CREATE ROLE tradewind_migrator;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tradewind_runtime') THEN
        CREATE ROLE tradewind_runtime;
    END IF;
END
$$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE, USAGE ON SCHEMA public TO tradewind_migrator;
GRANT USAGE ON SCHEMA public TO tradewind_runtime;
